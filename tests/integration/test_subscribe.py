"""`flowfacts subscribe` against a stand-in of the platform's API, over HTTP, with faults."""

import json
import random

import pytest

from pipelines import cli
from schemas.event_types import EVENT_TYPES
from tests.emulators.platform_api import KEY, PASSWORD, USER, platform_api

ORDERS = ("--flow", "stow")  # a flow of few events, where the number does not matter
TOPIC = {"type": "GOOGLE_CLOUD_PUB_SUB", "projectId": "my-project", "topicId": "flowfacts"}
# From the platform's list of events; the catalogue's own count is not what is to be shown.
FLOW_EVENTS = 71


@pytest.fixture(scope="module")
def running():
    with platform_api() as api:
        yield api


@pytest.fixture
def api(running, monkeypatch, tmp_path):
    running.reset()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", running.host)
    for name, value in (("KEY", KEY), ("USER", USER), ("PASSWORD", PASSWORD)):
        monkeypatch.setenv(f"FLOWFACTS_API_{name}", value)
    monkeypatch.delenv("FLOWFACTS_API_TOKEN", raising=False)
    # Waits between tries are drawn; the tests take the shortest.
    monkeypatch.setattr("pipelines.subscribing.platform._FIRST_WAIT", 0.001)
    return running


@pytest.fixture
def run(api, capsys):
    def run(*words, **named):
        base = named.get("url", api.url)
        code = cli.main(["subscribe", "--base-url", base, "--project", "my-project", "--topic", "flowfacts", *words])
        shown = capsys.readouterr()
        for secret in (KEY, USER, PASSWORD, "eyJ-", "refresh-me"):
            assert secret not in shown.out + shown.err
        return code, shown.out, shown.err

    return run


def events_of(api, name="flowfacts-"):
    return sorted(r["event"] for r in api.rows.values() if r["name"].startswith(name))


def test_a_plan_shows_everything_and_changes_nothing(api, run):
    code, out, _ = run()
    assert code == 6
    assert f"{FLOW_EVENTS} to create" in out
    assert "create  flowfacts-ORDER_CREATED: it is missing" in out
    assert api.rows == {}


def test_all_events_of_the_flows_are_subscribed_once_each_and_a_second_run_changes_nothing(api, run):
    code, out, _ = run("--apply")
    assert (code, f"{FLOW_EVENTS} made" in out) == (0, True)
    made = list(api.rows.values())
    assert len(made) == FLOW_EVENTS == len({r["event"] for r in made})
    assert all(r["target"] == TOPIC and r["name"] == f"flowfacts-{r['event']}" and "contexts" not in r for r in made)
    outside = {e.name for e in EVENT_TYPES if e.flow == "none"}
    assert not outside & {r["event"] for r in made}
    api.seen.clear()
    code, out, _ = run("--apply")
    assert (code, "0 made, 0 removed" in out) == (0, True)
    assert {m for m, p in api.seen if p.startswith("/api")} == {"GET"}
    assert run()[0] == 0


def test_what_is_others_is_never_touched_whatever_it_is_called(api, run):
    kept = [
        api.put("flowfacts-STOW_JOB_CREATED-mine", "STOW_JOB_CREATED", TOPIC),
        api.put("flowfacts-ORDER_CREATED", "STOW_JOB_CREATED", TOPIC),
        api.put("flowfacts", "STOW_JOB_CREATED", {"type": "WEBHOOK", "callbackUrl": "https://x.example"}),
        api.put("flowfacts-staging-STOW_JOB_CREATED", "STOW_JOB_CREATED", TOPIC),
        api.put("old", "ORDER_CREATED", None, callbackUrl="https://x.example"),
    ]
    assert run(*ORDERS, "--apply")[0] == 0
    code, out, _ = run("--remove")
    assert code == 6
    assert "of others" in out
    code, out, _ = run("--remove", "--apply")
    assert (code, f"{len(kept)} of others" in out) == (0, True)
    assert sorted(api.rows) == sorted(kept)


def test_two_installations_on_one_tenant_do_not_see_each_other(api, run):
    assert run(*ORDERS, "--apply")[0] == 0
    first = dict(api.rows)
    assert run(*ORDERS, "--name-prefix", "flowfacts-staging", "--apply")[0] == 0
    assert len(api.rows) == 2 * len(first)
    assert run("--name-prefix", "flowfacts-staging", "--remove", "--apply")[0] == 0
    assert api.rows == first


def test_another_topic_replaces_the_new_one_first(api, run):
    old = api.put("flowfacts-STOW_JOB_CREATED", "STOW_JOB_CREATED", {**TOPIC, "topicId": "elsewhere"})
    assert run(*ORDERS, "--apply")[0] == 0
    assert old not in api.rows
    calls = [m for m, p in api.seen if p.startswith("/api") and m != "GET"]
    assert calls.index("DELETE") > calls.index("POST")
    assert api.targets("STOW_JOB_CREATED") == ["projects/my-project/topics/flowfacts"]


def test_where_the_platform_takes_no_second_name_the_old_one_goes_first(api, run):
    api.unique_names = True
    old = api.put("flowfacts-STOW_JOB_CREATED", "STOW_JOB_CREATED", {**TOPIC, "topicId": "elsewhere"})
    assert run(*ORDERS, "--apply")[0] == 0
    assert old not in api.rows
    assert api.targets("STOW_JOB_CREATED") == ["projects/my-project/topics/flowfacts"]


def test_at_the_limit_the_old_one_of_ours_makes_room(api, run):
    for n in range(4):
        api.put(f"other {n}", "STOW_JOB_CREATED", TOPIC)
    api.put("flowfacts-STOW_JOB_CREATED", "STOW_JOB_CREATED", {**TOPIC, "projectId": "other-project"})
    assert run(*ORDERS, "--apply")[0] == 0
    assert len(api.targets("STOW_JOB_CREATED")) == 5
    assert set(api.targets("STOW_JOB_CREATED")) == {"projects/my-project/topics/flowfacts"}


def test_five_of_others_are_named_and_the_rest_is_done(api, run):
    for n in range(5):
        api.put(f"other {n}", "STOW_JOB_CREATED", TOPIC)
    code, out, _ = run(*ORDERS)
    assert (code, "1 blocked" in out) == (6, True)
    code, _, err = run(*ORDERS, "--apply")
    assert code == 1
    assert "STOW_JOB_CREATED: the platform allows 5 subscriptions of an event" in err
    assert "other 0, other 1" in err
    assert events_of(api)
    assert "STOW_JOB_CREATED" not in events_of(api)


def test_doubles_and_events_that_are_not_asked_for_go(api, run):
    for _ in range(2):
        api.put("flowfacts-STOW_JOB_CREATED", "STOW_JOB_CREATED", TOPIC)
    api.put("flowfacts-ORDER_CREATED", "ORDER_CREATED", TOPIC)
    code, out, _ = run(*ORDERS)
    assert (code, "2 to remove" in out) == (6, True)
    assert run(*ORDERS, "--apply")[0] == 0
    assert events_of(api).count("STOW_JOB_CREATED") == 1
    assert "ORDER_CREATED" not in events_of(api)


def test_facilities_limit_a_subscription_and_a_change_of_them_replaces_it(api, run):
    assert run(*ORDERS, "--facility", "F2", "--facility", "F1", "--facility-group", "G", "--apply")[0] == 0
    limits = {json.dumps(r["contexts"]) for r in api.rows.values()}
    expected = [{"type": "FACILITY", "values": ["F1", "F2"]}, {"type": "FACILITY_GROUP", "values": ["G"]}]
    assert limits == {json.dumps(expected)}
    assert run(*ORDERS, "--facility", "F1", "--facility", "F2", "--facility-group", "G")[0] == 0
    assert run(*ORDERS)[0] == 6
    assert run(*ORDERS, "--apply")[0] == 0
    assert all("contexts" not in r for r in api.rows.values())


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_all_pages_are_read_also_short_ones(api, run, limit):
    api.page_limit = limit
    for n in range(23):
        api.put(f"other {n}", "FACILITY_CREATED", None)
    last = api.put("flowfacts-STOW_JOB_CREATED", "STOW_JOB_CREATED", TOPIC)
    _, out, _ = run("--remove")
    assert "1 to remove" in out
    assert "23 of others" in out
    assert last in api.rows


@pytest.mark.parametrize("fault", ["429", "500", "503", "dropped", "503_after", "dropped_after"])
def test_any_call_may_go_wrong_and_all_is_made_exactly_once(api, run, fault):
    """Also when the call was carried out and the answer was lost: then it is looked for, not made again."""
    drawn, failed = random.Random(7), []

    def choose(number, method, path):
        wrong = drawn.random() < 0.3
        failed.append((method, path)) if wrong else None
        return fault if wrong else None

    api.choose = choose
    code, _, err = run(*ORDERS, "--apply")
    assert (code, err) == (0, "")
    assert ("POST", "/api/subscriptions") in failed
    assert "DELETE" not in {method for method, _ in api.seen}  # nothing was made twice, and taken back
    events = events_of(api)
    assert len(events) == len(set(events)) == sum(e.flow == "stow" for e in EVENT_TYPES)
    assert run(*ORDERS, "--remove", "--apply")[0] == 0
    assert api.rows == {}


def test_a_run_that_was_killed_is_made_up_for(api, run, monkeypatch):
    seen = []

    def tell(step):
        seen.append(step)
        if len(seen) == 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.commands.subscribe._teller", lambda args: tell)
        assert run(*ORDERS, "--apply")[0] == 130
    assert len(api.rows) == 3
    assert run(*ORDERS, "--apply")[0] == 0
    assert len(api.rows) == len(set(events_of(api))) == sum(e.flow == "stow" for e in EVENT_TYPES)


def test_a_platform_that_stays_out_of_order_is_told_and_what_was_done_stays(api, run):
    api.choose = lambda n, method, path: "503" if path.startswith("/api") else None
    code, _, err = run("--apply")
    assert code == 1
    assert "could not list the subscriptions in 6 attempts: the platform answers 503; run it again later" in err


def test_what_the_platform_asks_to_wait_is_waited(api, run, monkeypatch):
    waits = []
    monkeypatch.setattr("pipelines.subscribing.platform.Platform.connect", _connect(waits))
    api.retry_after = "17"
    api.choose = lambda n, method, path: "429" if n == 1 else None
    assert run(*ORDERS)[0] == 6
    assert waits == [17.0]
    api.retry_after = "1e9"
    api.seen.clear()
    waits.clear()
    assert run(*ORDERS)[0] == 6
    assert waits == [60.0]


def _connect(waits):
    from pipelines.subscribing.platform import Platform

    real = Platform.connect.__func__

    def connect(base_url, credentials):
        made = real(Platform, base_url, credentials)
        made.sleep = waits.append
        return made

    return staticmethod(connect)


def test_a_token_that_ends_is_refreshed_and_not_signed_in_for_again(api, run):
    api.expires_in = 30  # less than the time at which a token is refreshed early
    assert run(*ORDERS, "--apply")[0] == 0
    assert api.signed_in == 1
    assert api.refreshed >= 2


def test_a_token_that_is_revoked_is_made_up_for(api, run):
    def choose(number, method, path):
        if number == 3:
            api.revoke()
        return None

    api.choose = choose
    assert run(*ORDERS, "--apply")[0] == 0
    assert api.refreshed == 1


def test_no_permission_is_told_with_what_to_do(api, run):
    api.forbidden = True
    code, _, err = run("--apply")
    assert code == 1
    assert "could not list the subscriptions (403): no permission: the user needs the platform's permission" in err
    assert "SUBSCRIPTION_READ" in err


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PASSWORD", "wrong-hunter2", "user or password is wrong"),
        ("KEY", "wrong-hunter2", "the API key is wrong"),
    ],
)
def test_wrong_credentials_are_told_without_showing_them(api, run, monkeypatch, name, value, told):
    monkeypatch.setenv(f"FLOWFACTS_API_{name}", value)
    code, out, err = run("--apply")
    assert code == 1
    assert told in err
    assert "hunter2" not in out + err


def test_a_token_at_hand_is_used_and_never_quoted_by_an_echo_of_the_platform(api, run, monkeypatch):
    monkeypatch.setenv("FLOWFACTS_API_TOKEN", "eyJ-not-one-of-this-tenant")
    code, _, err = run("--apply")
    assert code == 1
    assert "the platform does not take the token" in err
    assert "token (hidden) is not valid" in err
    monkeypatch.setenv("FLOWFACTS_API_TOKEN", api.new_token())
    for name in ("KEY", "USER", "PASSWORD"):
        monkeypatch.delenv(f"FLOWFACTS_API_{name}")
    assert run(*ORDERS, "--apply")[0] == 0
    assert api.signed_in == 0


def test_credentials_come_from_a_file(api, run, monkeypatch, tmp_path):
    for name in ("KEY", "USER", "PASSWORD"):
        monkeypatch.delenv(f"FLOWFACTS_API_{name}")
    code, _, err = run()
    assert code == 2
    assert "FLOWFACTS_API_KEY, FLOWFACTS_API_USER, FLOWFACTS_API_PASSWORD not set" in err
    file = tmp_path / "c.json"
    for text, told in (
        ("{", "holds no JSON"),
        ("[]", "holds no JSON object"),
        ('{"apiKey": "hunter2", "user": "x"}', "has no password"),
    ):
        file.write_text(text)
        code, out, err = run("--credentials", str(file))
        assert (code, told in err, "hunter2" in out + err) == (2, True, False)
    file.write_text(json.dumps({"apiKey": KEY, "user": USER, "password": PASSWORD}))
    assert run(*ORDERS, "--credentials", str(file))[0] == 6
    assert "can't be read: No such file" in run("--credentials", str(tmp_path / "gone"))[2]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--base-url", "http://tenant.api.example"], "expected https: a token would go over the wire in the open"),
        (["--base-url", "https://me:hunter2@tenant.example"], "has credentials in it"),
        (["--base-url", "tenant.example"], "expected https://TENANT.api.fulfillmenttools.com"),
        (["--base-url", "https://tenant.example/api"], "expected https://TENANT.api.fulfillmenttools.com"),
        (["--project", "P"], "expected the id of a Google Cloud project"),
        (["--topic", "projects/other/topics/t"], "expected the id of a topic of my-project"),
        (["--name-prefix", "a b"], "--name-prefix is 'a b'"),
        (["--credentials-secret", "s"], "expects projects/PROJECT/secrets/SECRET"),
        (["--credentials", '{"apiKey": "hunter2"}'], "expects the path of a file"),
    ],
)
def test_bad_arguments_are_refused_before_any_call(api, run, words, told):
    code, out, err = run(*words)
    assert code == 2
    assert told in err
    assert "hunter2" not in out + err
    assert api.seen == []


def test_an_address_that_is_not_the_platform_is_told(api, run):
    api.choose = lambda n, method, path: "302" if path.startswith("/api") else None
    code, _, err = run()
    assert (code, "is --base-url right?" in err) == (1, True)


def test_the_result_is_told_as_json(api, run):
    found = json.loads(run(*ORDERS, "--json")[1])
    assert {s["about"] for s in found["steps"]} == {"create"}
    done = json.loads(run(*ORDERS, "--apply", "--json")[1])
    assert sorted(done["made"]) == sorted(s["name"] for s in found["steps"])
    assert (done["removed"], done["left"], done["others"]) == ([], [], 0)


def test_its_options_come_from_the_configuration(api, run, tmp_path, capsys, monkeypatch):
    (tmp_path / "flowfacts.toml").write_text(
        f'[subscribe]\nbase-url = "{api.url}"\nproject = "my-project"\ntopic = "flowfacts"\n'
        'flow = ["stow", "inbound"]\n'
    )
    assert cli.main(["subscribe", "--apply", "--json"]) == 0
    expected = sum(e.flow in ("stow", "inbound") for e in EVENT_TYPES)
    assert len(json.loads(capsys.readouterr().out)["made"]) == expected == len(api.rows)
