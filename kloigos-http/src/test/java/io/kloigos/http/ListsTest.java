package io.kloigos.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.http.ApiClient.Answer;
import io.kloigos.model.Role;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Lists page by page, and lists that the client has already. */
class ListsTest {
    private static final String UNITS = "/api/compute_units";
    private static final String SERVERS = "/api/servers";
    private static final String OPERATIONS = "/api/operations";
    private static final String FIRST = UNITS + "/host1_4-7";
    private static final String HOST2 = """
            {"ip": "10.0.0.2", "hostname": "host2", "region": "eu", "zone": "b", "cpu_ranges": ["2-3"]}""";
    private static final Pattern NEXT = Pattern.compile("<([^>]+)>; rel=\"next\"");

    private TestServer test;
    private ApiClient api;

    @BeforeEach
    void start(@TempDir Path directory) {
        test = new TestServer(directory, TestServer.patient(), InstantSource.system()).withHost1();
        api = test.api;
    }

    @AfterEach
    void stop() {
        test.close();
    }

    private static List<String> names(JsonNode list, String field) {
        List<String> names = new ArrayList<>();
        list.forEach(each -> names.add(each.get(field).asText()));
        return names;
    }

    private static String next(Answer page) {
        Matcher matcher = NEXT.matcher(page.header("Link"));
        return matcher.matches() ? matcher.group(1) : "";
    }

    /** Returns what is on each page, following the links. */
    private List<List<String>> pages(String first, String field) {
        List<List<String>> pages = new ArrayList<>();
        for (String path = first; !path.isEmpty(); ) {
            Answer page = api.get(path).expect(200);
            pages.add(names(page.body(), field));
            path = next(page);
        }
        return pages;
    }

    @Test
    void aListThatCannotBeToldToItsEndIsNoShorterList() {
        test.withUnitsAndOneThatCannotBeRead(600);

        assertThatThrownBy(() -> api.get(UNITS)).hasRootCauseInstanceOf(IOException.class);
        assertThatThrownBy(() -> api.send("GET", UNITS, BodyPublishers.noBody(), "Accept-Encoding", "gzip"))
                .hasRootCauseInstanceOf(IOException.class);
        assertThat(api.get(UNITS + "?after=host1:30400")
                        .expect(503)
                        .body()
                        .get("code")
                        .asText())
                .as("what fails before the answer begins is told")
                .isEqualTo("store_failed");
    }

    @Test
    void unitsComePageByPageInTheOrderOfTheWholeList() {
        test.await(api.post("/api/admin/init_server", HOST2).expect(200));
        assertThat(pages(UNITS + "?limit=3", "compute_id"))
                .containsExactly(List.of("host1_4-7", "host1_8-11", "host1_12-15"), List.of("host2_2-3"));
        assertThat(pages(UNITS + "/?limit=1", "compute_id")).hasSize(4);
        assertThat(pages(UNITS + "?limit=4", "compute_id"))
                .containsExactly(names(api.get(UNITS).expect(200).body(), "compute_id"));
    }

    @Test
    void theNextPageIsOfTheSameFilters() {
        api.post(UNITS + "/allocate", TestServer.ALLOCATE.replace("web", "a b&c=ä+"))
                .expect(200);
        api.post(UNITS + "/allocate", TestServer.ALLOCATE.replace("web", "a b&c=ä+"))
                .expect(200);
        assertThat(pages(UNITS + "?deployment_id=a%20b%26c%3D%C3%A4%2B&limit=1&status=allocated", "compute_id"))
                .containsExactly(List.of("host1_4-7"), List.of("host1_8-11"));
    }

    @Test
    void aPlaceOutlivesItsUnitAndNeedsNoLimit() {
        assertThat(names(api.get(UNITS + "?after=host0:20000").expect(200).body(), "compute_id"))
                .hasSize(3);
        assertThat(names(api.get(UNITS + "?after=host1:20001").expect(200).body(), "compute_id"))
                .containsExactly("host1_12-15");
        assertThat(api.get(UNITS + "?after=host2:20000&limit=1").expect(200).body())
                .isEmpty();
    }

    @Test
    void serversComePageByPage() {
        test.await(api.post("/api/admin/init_server", HOST2).expect(200));
        assertThat(pages(SERVERS + "?limit=1", "hostname")).containsExactly(List.of("host1"), List.of("host2"));
        assertThat(pages(SERVERS, "hostname")).containsExactly(List.of("host1", "host2"));
        assertThat(names(api.get(SERVERS + "?after=host1").expect(200).body(), "hostname"))
                .containsExactly("host2");
    }

    @Test
    void operationsComePageByPageFromTheNewestWhateverBeginsMeanwhile() {
        api.post(UNITS + "/allocate", TestServer.ALLOCATE).expect(200);
        test.await(api.post("/api/admin/init_server", HOST2).expect(200));
        assertThat(pages(OPERATIONS + "?limit=2", "kind"))
                .containsExactly(List.of("init", "allocate"), List.of("init"));
        assertThat(pages(OPERATIONS, "kind")).containsExactly(List.of("init", "allocate", "init"));

        String second = next(api.get(OPERATIONS + "?limit=1").expect(200));
        api.post(UNITS + "/allocate", TestServer.ALLOCATE).expect(200);
        assertThat(pages(second, "hostname")).containsExactly(List.of("host1"), List.of("host1"));
        assertThat(pages(OPERATIONS + "?limit=3", "kind"))
                .containsExactly(List.of("allocate", "init", "allocate"), List.of("init"));
    }

    @Test
    void operationsAreFoundByUnitServerAndState() {
        api.post(UNITS + "/allocate", TestServer.ALLOCATE).expect(200);
        test.await(api.post("/api/admin/init_server", HOST2).expect(200));
        assertThat(pages(OPERATIONS + "?hostname=HOST1&limit=1", "kind"))
                .containsExactly(List.of("allocate"), List.of("init"));
        assertThat(pages(OPERATIONS + "?compute_id=host1_4-7", "kind")).containsExactly(List.of("allocate"));
        assertThat(pages(OPERATIONS + "?hostname=host2&state=Succeeded", "kind"))
                .containsExactly(List.of("init"));
        assertThat(api.get(OPERATIONS + "?state=failed").expect(200).body()).isEmpty();
        assertThat(api.get(OPERATIONS + "?state=broken").expect(422).text()).contains("there is no state", "succeeded");
    }

    @Test
    void operationsAreFoundByKindAndOwner() {
        ApiClient acme = test.as(Role.TENANT, "acme");
        ApiClient admin = test.as(Role.ADMIN, null);
        acme.post(UNITS + "/allocate", TestServer.ALLOCATE).expect(200);
        admin.post(UNITS + "/allocate", TestServer.ALLOCATE).expect(200);

        assertThat(names(admin.get(OPERATIONS + "?kind=Allocate").expect(200).body(), "kind"))
                .containsExactly("allocate", "allocate");
        assertThat(names(admin.get(OPERATIONS + "?owner=acme").expect(200).body(), "owner"))
                .containsExactly("acme");
        assertThat(admin.get(OPERATIONS + "?owner=globex").expect(200).body()).isEmpty();
        assertThat(acme.get(OPERATIONS + "?owner=globex").expect(200).body()).isEmpty();
        assertThat(admin.get(OPERATIONS + "?kind=destroy").expect(422).text())
                .contains("there is no kind", "rotate_keys");
    }

    @Test
    void serversAreFoundByPlaceAndStatus() {
        test.await(api.post("/api/admin/init_server", HOST2).expect(200));
        assertThat(pages(SERVERS + "?region=eu&limit=1", "hostname"))
                .containsExactly(List.of("host1"), List.of("host2"));
        assertThat(pages(SERVERS + "?zone=b", "hostname")).containsExactly(List.of("host2"));
        assertThat(pages(SERVERS + "?status=Ready&zone=a", "hostname")).containsExactly(List.of("host1"));
        assertThat(api.get(SERVERS + "?region=us").expect(200).body()).isEmpty();
        assertThat(api.get(SERVERS + "?status=init_fail").expect(200).body()).isEmpty();
        assertThat(api.get(SERVERS + "?status=broken").expect(422).text()).contains("there is no status", "ready");
    }

    @Test
    void tokensAreFoundByRole() {
        test.as(Role.TENANT, "acme");
        ApiClient admin = test.as(Role.ADMIN, null);
        assertThat(names(admin.get("/api/tokens?role=tenant").expect(200).body(), "name"))
                .containsExactly("acme");
        assertThat(admin.get("/api/tokens?role=operator").expect(200).body()).isEmpty();
        admin.get("/api/tokens?role=root").expect(422);
    }

    @Test
    void aTenantsPagesHaveItsOwnOperationsOnly() {
        ApiClient acme = test.as(Role.TENANT, "acme");
        acme.post(UNITS + "/allocate", TestServer.ALLOCATE).expect(200);
        test.as(Role.TENANT, "globex")
                .post(UNITS + "/allocate", TestServer.ALLOCATE)
                .expect(200);
        acme.post(UNITS + "/allocate", TestServer.ALLOCATE).expect(200);

        Answer first = acme.get(OPERATIONS + "?limit=1").expect(200);
        Answer second = acme.get(next(first)).expect(200);
        assertThat(names(first.body(), "owner")).containsExactly("acme");
        assertThat(names(second.body(), "owner")).containsExactly("acme");
        assertThat(second.body()).isNotEqualTo(first.body());
        assertThat(second.header("Link")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                OPERATIONS + "?after=op1",
                OPERATIONS + "?after=yesterday_op1",
                OPERATIONS + "?limit=1001",
                UNITS + "?limit=0",
                UNITS + "?limit=1001",
                UNITS + "?limit=all",
                UNITS + "?after=host1",
                SERVERS + "?limit=-1",
                SERVERS + "?before=host1"
            })
    void whatIsNoPageIsRefused(String path) {
        api.get(path).expect(422);
    }

    private Answer unlessIs(String tag, String path) {
        return api.with("If-None-Match", tag).get(path);
    }

    @ParameterizedTest
    @ValueSource(strings = {UNITS, UNITS + "?status=free", UNITS + "?limit=1", SERVERS})
    void whatTheClientHasIsNotSentAgain(String path) {
        Answer first = api.get(path).expect(200);
        String tag = first.header("ETag");
        assertThat(tag).startsWith("W/\"");
        Answer again = unlessIs("\"other\", " + tag, path).expect(304);
        assertThat(again.text()).isEmpty();
        assertThat(again.header("ETag")).isEqualTo(tag);
        unlessIs("*", path).expect(304);
        assertThat(unlessIs("\"other\"", path).expect(200).text()).isEqualTo(first.text());
        assertThat(api.with("If-None-Match", tag)
                        .send("HEAD", path, BodyPublishers.noBody())
                        .status())
                .isEqualTo(304);
    }

    @Test
    void anotherQuestionHasAnotherAnswer() {
        assertThat(List.of(
                        api.get(UNITS).header("ETag"),
                        api.get(UNITS + "?limit=1").header("ETag"),
                        api.get(UNITS + "?limit=2").header("ETag"),
                        api.get(SERVERS).header("ETag")))
                .doesNotHaveDuplicates();
    }

    private Answer put(String what, String body) {
        return api.send("PUT", FIRST + what, BodyPublishers.ofString(body), "Content-Type", "application/json")
                .expect(200);
    }

    private Answer post(String path, String body) {
        return api.post(path, body).expect(200);
    }

    @Test
    void everyChangeMakesItAnotherAnswer() {
        changes(() -> post(UNITS + "/allocate", TestServer.ALLOCATE));
        changes(() -> put("/tags", "{\"tags\": {\"deployment_id\": \"web_v2\"}}"));
        changes(() -> put("/expires_at", "{\"expires_at\": \"2099-01-01T00:00:00Z\"}"));
        changes(() -> put("/ssh_keys", "{\"ssh_public_keys\": [\"" + TestServer.KEY + "-2\"]}"));
        changes(() -> api.post(FIRST + "/stop", "").expect(200));
        changes(() -> api.post(FIRST + "/start", "").expect(200));
        changes(() -> api.send(
                        "PATCH",
                        FIRST + "/limits",
                        BodyPublishers.ofString("{\"tasks_max\": 100}"),
                        "Content-Type",
                        "application/json")
                .expect(200));
        changes(() -> test.await(api.delete(UNITS + "/deallocate/host1_4-7").expect(200)));
        changes(() -> post(FIRST + "/withdraw", "{\"reason\": \"CPU 5 throttles\"}"));
        changes(() -> api.post(FIRST + "/put_back", "").expect(200));
        changes(() -> post(SERVERS + "/host1/cordon", "{\"reason\": \"disk 2 is failing\"}"));
        changes(() -> api.post(SERVERS + "/host1/uncordon", "").expect(200));
        changes(() -> test.await(post("/api/admin/init_server", HOST2)));
        changes(() ->
                test.await(api.delete("/api/admin/decommission_server/host2").expect(200)));
    }

    private void changes(Runnable change) {
        for (String path : List.of(UNITS, SERVERS)) {
            unlessIs(api.get(path).header("ETag"), path).expect(304);
        }
        String units = api.get(UNITS).header("ETag");
        String servers = api.get(SERVERS).header("ETag");
        change.run();
        unlessIs(units, UNITS).expect(200);
        unlessIs(servers, SERVERS).expect(200);
    }

    @Test
    void whatOneCallerHasIsNotWhatAnotherWouldGet() {
        ApiClient admin = test.as(Role.ADMIN, null);
        ApiClient acme = test.as(Role.TENANT, "acme");
        ApiClient globex = test.as(Role.TENANT, "globex");
        acme.post(UNITS + "/allocate", TestServer.ALLOCATE).expect(200);

        assertThat(List.of(
                        admin.get(UNITS).expect(200).header("ETag"),
                        acme.get(UNITS).expect(200).header("ETag"),
                        globex.get(UNITS).expect(200).header("ETag")))
                .doesNotHaveDuplicates();
        assertThat(pages(acme, UNITS + "?limit=1")).isEqualTo(1);
    }

    private static int pages(ApiClient client, String first) {
        int pages = 0;
        for (String path = first; !path.isEmpty(); path = next(client.get(path).expect(200))) {
            pages++;
        }
        return pages;
    }
}
