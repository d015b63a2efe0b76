import pandas as pd

from dashboards.clock import first_step, to_labels, to_local
from dashboards.i18n import texts


def test_instants_are_shown_in_the_zone_of_the_city_across_the_change_of_summer_time():
    times = pd.date_range("2026-03-28T23:00", periods=4, freq="1h")
    labels = to_labels(times, "Europe/Monaco", language="en", texts=texts("en"))
    assert [label["time"] for label in labels] == ["00:00", "01:00", "03:00", "04:00"]
    assert labels[0]["date"] == "Sun 29 Mar 2026"


def test_a_typical_day_has_no_date_in_either_language():
    times = pd.timedelta_range("0h", "23h", freq="1h")
    for language, word in {"en": "Typical day", "zh": "典型日"}.items():
        labels = to_labels(times, "America/New_York", language=language, texts=texts(language))
        assert labels[8] == {"time": "08:00", "date": word}


def test_chinese_dates():
    labels = to_labels(pd.DatetimeIndex(["2026-06-16T06:15"]), "Europe/Monaco", language="zh", texts={})
    assert labels[0]["date"] == "2026年6月16日 周二"


def test_the_view_opens_on_the_morning():
    times = pd.date_range("2026-06-15T22:00", periods=96, freq="15min")
    assert to_local(times, "Europe/Monaco")[first_step(times, "Europe/Monaco")].hour == 8
    assert first_step(pd.DatetimeIndex(["2026-06-15T01:00"]), "UTC") == 0
