#!/usr/bin/env python3
"""Imports the 8,000 real leads of the Olist marketing funnel into a running `kiteline dev` and shows who got them.

    examples/olist.py FOLDER [--capacity N] [--data-dir .kiteline]

FOLDER holds olist_marketing_qualified_leads_dataset.csv and olist_closed_deals_dataset.csv (Kaggle, "Marketing Funnel by
Olist"; not part of this project). Sellers are the 22 people who closed deals, ranked by deals won; regions are drawn with a
seed; all dates are shifted so that the last lead arrives today. Needs nothing but Python.
"""
import argparse, csv, datetime, io, json, pathlib, random, time, urllib.error, urllib.request

REGIONS = ["norte", "nordeste", "centro-oeste", "sudeste", "sul"]
MAP = """{ sources: [olist], fields: { source_channel: { from: origin, values: { "": unknown }, default: unknown }, region: { from: region } } }"""
SCORE = """
dimensions:
  industry_match: { cases: [{ when: { field: source_channel, equals: display }, points: 20 }], otherwise: 10 }
  budget_clarity: { cases: [{ when: { field: source_channel, equals: display }, points: 20 }], otherwise: 10 }
  decision_chain: { cases: [{ when: { field: source_channel, equals: display }, points: 20 }], otherwise: 10 }
  urgency: { cases: [{ when: { field: source_channel, in: [other, other_publicities] }, points: 0 }], otherwise: 10 }
  interaction: { cases: [{ when: { field: source_channel, in: [other, other_publicities] }, points: 0 }], otherwise: 15 }
"""
ROUTE = """
filters: [region]
strategy:
  high: { by: top_n_by_close_rate, metric: deals_won, n: 3, window_months: 6, active_only: true }
  mid: { by: round_robin }
  low: { to: { pool: nurture } }
"""


class API:
    def __init__(self, data_dir, tenant):
        ready = json.loads((pathlib.Path(data_dir) / "ready.json").read_text())
        self.url, self.key, self.tenant = ready["url"], ready["platform_key"], tenant

    def __call__(self, method, path, body=None, kind="application/json"):
        if body is not None and not isinstance(body, bytes):
            body = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.key}", "Kiteline-Tenant": self.tenant, "Content-Type": kind}
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as problem:
            raise SystemExit(f"{method} {path}: {problem.read().decode()}")


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--capacity", type=int, default=500, help="leads a seller may have waiting for a first touch")
    parser.add_argument("--data-dir", default=".kiteline", help="of the running kiteline dev")
    options = parser.parse_args()
    chance = random.Random(2018)

    leads = rows(options.folder / "olist_marketing_qualified_leads_dataset.csv")
    deals = rows(options.folder / "olist_closed_deals_dataset.csv")
    last = max(datetime.date.fromisoformat(lead["first_contact_date"]) for lead in leads)
    shift = datetime.date.today() - last

    slug = f"olist-{options.capacity}-{int(time.time())}"
    api = API(options.data_dir, slug)
    api("PUT", f"/v1/tenants/{slug}", {})
    for kind, source in (("map", MAP), ("score", SCORE), ("route", ROUTE)):
        api("POST", f"/v1/rulesets/{kind}/default/versions", source, "application/yaml")

    sellers = sorted({deal["sr_id"] for deal in deals})
    for n, seller in enumerate(sellers):
        api("PUT", f"/v1/sellers/{seller}", {
            "name": f"Seller {n + 1}", "status": "active", "regions": [REGIONS[n % 5], REGIONS[(2 * n + 1) % 5]], "capacity": options.capacity})
    for deal in deals:
        won = datetime.datetime.fromisoformat(deal["won_date"]) + shift
        if won <= datetime.datetime.now():
            api("PUT", f"/v1/opportunities/{deal['mql_id']}", {
                "owner": deal["sr_id"], "industry": deal["business_segment"] or None, "stage": "won", "won": True, "closed_at": won.isoformat() + "Z"})

    file = io.StringIO()
    table = csv.writer(file)
    table.writerow(["mql_id", "first_contact_date", "origin", "region"])
    for lead in leads:
        day = datetime.date.fromisoformat(lead["first_contact_date"]) + shift
        table.writerow([lead["mql_id"], f"{day.isoformat()}T00:00:00Z", lead["origin"], chance.choice(REGIONS)])
    start = time.time()
    started = api("POST", "/v1/leads:import?source=olist&external_id=mql_id&received_at=first_contact_date", file.getvalue(), "text/csv")
    while (done := api("GET", f"/v1/imports/{started['import_id']}"))["state"] == "running":
        time.sleep(0.2)
    print(f"imported {done['accepted']} of {done['rows']} rows, {done['rejected']} rejected, in {time.time() - start:.1f} s")

    while api("GET", "/v1/leads?state=awaiting_assignment&limit=1")["items"]:
        time.sleep(0.2)
    print(f"all decided after {time.time() - start:.1f} s\n")
    states, owners, cursor = {}, {}, None
    while True:
        page = api("GET", "/v1/leads?limit=500" + (f"&cursor={cursor}" if cursor else ""))
        for lead in page["items"]:
            states[lead["state"]] = states.get(lead["state"], 0) + 1
            if lead["owner"]:
                owners[lead["owner"]] = owners.get(lead["owner"], 0) + 1
        if not (cursor := page["next_cursor"]):
            break
    for state, count in sorted(states.items(), key=lambda item: -item[1]):
        print(f"{count:6}  {state}")
    print(f"\n{len(owners)} sellers: fewest {min(owners.values(), default=0)}, most {max(owners.values(), default=0)} leads")
    alerts = api("GET", "/v1/alerts")["items"]
    for alert in alerts[:5]:
        print(f"alert: {alert['code']} {alert['subject']} ({alert['count']} times)")


if __name__ == "__main__":
    main()
