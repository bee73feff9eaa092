"""A register of millions of firms as a gazetteer: build, size, load, speed. Run by geocoder.py firms."""

import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from geodata.gazetteer import GazetteerSource
from geodata.geocoder import Gazetteer, Geocoder, make_gazetteer

_CORE = np.array(
    list(
        "安定东西南北和平康福寿春秋华丰永新光明德胜花园天地人文景山龙泉云清鑫盛达通利源恒泰信诚宏远博雅嘉美佳润祥瑞"
    )
)
_TRADES = np.array(
    [
        *("科技", "商贸", "建筑工程", "餐饮管理", "文化传媒", "信息咨询", "物业管理"),
        *("装饰设计", "汽车服务", "医疗器械", "网络技术", "教育咨询", "投资", "广告"),
    ]
)
_FORMS = np.array(["有限公司", "有限责任公司", "股份有限公司", "中心", "经营部", "商店"])
_FORM_SHARES = (0.66, 0.1, 0.05, 0.08, 0.06, 0.05)


def make_firms(size: int, seed: int = 0) -> pd.DataFrame:
    """Return invented firms with invented points: name, lon, lat; about one name in ten is there twice."""
    rng = np.random.default_rng(seed)
    letters = _CORE[rng.integers(0, len(_CORE), (size, 4))]
    long = rng.integers(2, 5, size)
    core = letters[:, 0].astype(object) + letters[:, 1].astype(object)
    for k in (2, 3):
        core = core + np.where(long > k, letters[:, k], "").astype(object)
    begin = np.array(["北京", "", "北京市"], dtype=object)[rng.choice(3, size, p=(0.6, 0.3, 0.1))]
    trade = _TRADES[rng.integers(0, len(_TRADES), size)].astype(object)
    form = _FORMS[rng.choice(len(_FORMS), size, p=_FORM_SHARES)].astype(object)
    where = rng.uniform((116.1, 39.7), (116.7, 40.2), (size, 2))
    names = pd.Series(begin + core + trade + form, dtype="str")
    return pd.DataFrame({"name": names, "lon": where[:, 0], "lat": where[:, 1]})


def make_questions(firms: pd.DataFrame, size: int = 20_000) -> dict[str, pd.Series]:
    """Return names as they are, and names within a sentence with one character misheard."""
    rng = np.random.default_rng(1)
    asked = firms["name"].iloc[rng.integers(0, len(firms), size)].reset_index(drop=True)
    misheard = asked.str[:3] + "鸿" + asked.str[4:]
    messy = pd.Series("您好，我反映" + misheard + "门口有人乱停车", dtype="str")
    return {"names": asked, "sentences with a misheard name": messy}


def report_firms(size: int, time_best: Callable[..., float]) -> None:
    """Print what a register of `size` firms costs."""
    firms = make_firms(size)
    begin, used = time.perf_counter(), time.process_time()
    made = make_gazetteer(
        [GazetteerSource(frame=firms, kind="place", name="firms")], city="北京市", calibrated=False
    )
    built, cpu = time.perf_counter() - begin, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "firms.gaz"
        made.save(path)
        del made
        load = time_best(lambda: Gazetteer.load(path, verify=False))
        checked = time_best(lambda: Gazetteer.load(path), 1)
        print(
            f"{size:,} firms: built in {built:.0f} s ({cpu:.0f} s of processor time), peak {peak:.1f} GB, "
            f"file {path.stat().st_size / 1e6:,.0f} MB, loaded in {load * 1e3:.0f} ms "
            f"({checked * 1e3:.0f} ms with its digest)"
        )
        geocoder = Geocoder(Gazetteer.load(path, verify=False))
        for name, texts in make_questions(firms).items():
            found = geocoder.locate(texts)
            spent = time_best(lambda asked=texts: geocoder.locate(asked))
            single = time_best(lambda asked=texts: geocoder.locate(asked.head(1)))
            print(
                f"  {name}: {len(texts) / spent:,.0f}/s, one alone {single * 1e3:.1f} ms, "
                f"{found['lon'].notna().mean():.1%} placed ({texts.iloc[0]} …)"
            )
        typed = str(firms["name"].iloc[5])[:4]
        geocoder.suggest(typed)
        print(f"  suggest({typed!r}): {time_best(lambda: geocoder.suggest(typed)) * 1e3:.1f} ms")
