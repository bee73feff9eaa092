"""Checks the receipt of an appeal, with Python alone: python3 verify.py RECEIPT.json [KEY] [ROOTS.json]
KEY is the city's public key as it was published; ROOTS.json are the signed roots as somebody kept them."""
import hashlib, json, sys

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493  # Ed25519: RFC 8032, section 5.1
D = -121665 * pow(121666, P - 2, P) % P

def need(holds, words):
    if not holds:
        raise ValueError(words)

def plain(value):
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()

def point(data):  # section 5.1.3
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    x = x if x * x % P == x2 else x * pow(2, (P - 1) // 4, P) % P
    need(len(data) == 32 and y < P and x * x % P == x2, "the key or the signature is none")
    return (x if x & 1 == sign else P - x), y, 1, (x if x & 1 == sign else P - x) * y % P

def add(a, b):
    m, n = (a[1] - a[0]) * (b[1] - b[0]), (a[1] + a[0]) * (b[1] + b[0])
    c, d = 2 * a[3] * b[3] * D, 2 * a[2] * b[2]
    return (n - m) * (d - c) % P, (d + c) * (n + m) % P, (d - c) * (d + c) % P, (n - m) * (n + m) % P

def times(k, q, r=(0, 1, 1, 0)):
    while k:
        r, q, k = (add(r, q) if k & 1 else r), add(q, q), k >> 1
    return r

def check_signature(key, value, mark):
    key, mark = bytes.fromhex(key), bytes.fromhex(mark)
    k = int.from_bytes(hashlib.sha512(mark[:32] + key + plain(value)).digest(), "little") % L
    s = int.from_bytes(mark[32:], "little")
    u = times(s, point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")))
    v = add(point(mark[:32]), times(k, point(key)))
    same = (u[0] * v[2] - v[0] * u[2]) % P == 0 == (u[1] * v[2] - v[1] * u[2]) % P
    need(s < L and same, f"the signature of root {value['number']} is false")

def check(receipt, key="", roots=None):
    said, i, path = receipt["statement"], receipt["index"], bytes.fromhex(receipt["path"])
    need(key in ("", receipt["public_key"]), "signed with another key: of another city, or of nobody")
    check_signature(receipt["public_key"], said, receipt["signature"])
    found, last = hashlib.sha256(b"\0a" + plain(receipt["leaf"])).digest(), said["size"] - 1
    need(0 <= i <= last, "no such place in the tree")
    while last:  # RFC 6962, section 2.1.1
        if i % 2 or i < last:
            found = hashlib.sha256(b"\1" + (path[:32] + found if i % 2 else found + path[:32])).digest()
            path = path[32:]
        i, last = i // 2, last // 2
    need(found.hex() == said["root"] and not path, "the appeal does not lead to the signed root")
    before = ""
    for one in roots["roots"] if roots else ():
        check_signature(receipt["public_key"], one["statement"], one["signature"])
        need(one["statement"]["previous"] == before, f"root {one['statement']['number']} does not follow")
        before = hashlib.sha256(plain(one["statement"])).hexdigest()
    need(not roots or said in [one["statement"] for one in roots["roots"]], "its root was not published")
    return f"good: {receipt['leaf']['appeal_no']}, sealed by {said['city']} on {said['day']}"

if __name__ == "__main__":
    try:
        files = [json.load(open(name, encoding="utf-8")) for name in (sys.argv[1], *sys.argv[3:4])]
        print(check(files[0], *sys.argv[2:3], *files[1:]))
    except (IndexError, KeyError, OSError, TypeError, ValueError) as error:
        sys.exit(f"NOT GOOD: {type(error).__name__}: {error}")
