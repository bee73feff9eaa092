// The list by deadline, as the server made it, or by distance. Where the phone is stays in this page: it is sent nowhere.
const EARTH_M = 6_371_008.8;
const WAIT_MS = 15_000;

function findDistance(from, to) {
  const rad = Math.PI / 180;
  const up = Math.sin(((to.lat - from.lat) * rad) / 2) ** 2;
  const across = Math.sin(((to.lon - from.lon) * rad) / 2) ** 2;
  return 2 * EARTH_M * Math.asin(Math.sqrt(up + Math.cos(from.lat * rad) * Math.cos(to.lat * rad) * across));
}

function say(metres) {
  return metres < 1000 ? `${Math.round(metres / 10) * 10} m` : `${(metres / 1000).toFixed(1)} km`;
}

export function start(map, room) {
  const body = room.querySelector("tbody");
  const said = room.querySelector("[data-said]");
  const buttons = [...room.querySelectorAll("[data-sort]")];
  const rows = [...body.rows];
  let own = null;

  // What the visitor has in hand stays first in either order.
  function sort(name, measure) {
    const keys = new Map(rows.map((row) => [row, measure(row)]));
    rows.sort((a, b) => b.dataset.mine - a.dataset.mine || keys.get(a) - keys.get(b) || a.dataset.at - b.dataset.at);
    body.append(...rows);
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.sort === name));
  }

  function mark({ latitude, longitude, accuracy }) {
    // Tiles of another datum are shifted by hundreds of metres: no point is better than a wrong one.
    if (room.dataset.datum !== "WGS84") return;
    own?.remove();
    own = L.circle([latitude, longitude], { radius: accuracy, color: "#0b5f84", weight: 2, fillOpacity: 0.2, interactive: false }).addTo(map);
  }

  function byDistance({ coords }) {
    const here = { lon: coords.longitude, lat: coords.latitude };
    sort("distance", (row) => {
      if (!row.dataset.lon) return Number.MAX_VALUE;
      const metres = findDistance(here, { lon: Number(row.dataset.lon), lat: Number(row.dataset.lat) });
      row.querySelector("[data-away]").textContent = say(metres);
      return metres;
    });
    said.textContent = room.dataset.wordsFine.replace("%m", String(Math.ceil(coords.accuracy)));
    mark(coords);
  }

  for (const button of buttons) {
    button.addEventListener("click", () => {
      if (button.dataset.sort === "due") {
        sort("due", (row) => Number(row.dataset.at));
        said.textContent = "";
        return;
      }
      said.textContent = room.dataset.wordsWait;
      navigator.geolocation.getCurrentPosition(byDistance, () => { said.textContent = room.dataset.wordsRefused; }, { enableHighAccuracy: true, timeout: WAIT_MS, maximumAge: 30_000 });
    });
  }
  if (!navigator.geolocation) buttons.find((one) => one.dataset.sort === "distance").hidden = true;
}
