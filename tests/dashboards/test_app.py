from fastapi.testclient import TestClient

from dashboards.app import to_app
from tests.dashboards.fake_city import FakeCity


def test_page_frames_and_open_routes_stand_beside_each_other():
    city = FakeCity(blocks=3)
    client = TestClient(to_app(city, origins=("testserver",)))
    page = client.get("/?lang=zh&theme=dark")
    assert page.status_code == 200
    assert 'lang="zh" data-theme="dark"' in page.text
    assert "正在打开城市" in page.text
    assert client.get("/api/health").json()["snapshot"] == city.snapshot
    assert client.get(f"/feed/{city.snapshot}/features/buildings/0,0,1,1.json").status_code == 200
    assert client.get("/feed/other/features/buildings/0,0,1,1.json").status_code == 404


def test_a_link_cannot_put_anything_of_its_own_into_the_page():
    client = TestClient(to_app(FakeCity(blocks=2), origins=("testserver",)))
    page = client.get("/", params={"lang": "'><script>alert(1)</script>", "theme": "<b>"})
    assert "alert(1)" not in page.text.replace("%", "")
    assert 'lang="en" data-theme="light"' in page.text
