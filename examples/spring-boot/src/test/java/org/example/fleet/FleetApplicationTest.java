package org.example.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.Kloigos;
import io.kloigos.model.CpuSet;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.KloigosException;
import io.kloigos.spi.HostDriver;
import io.kloigos.testkit.FakeFleet;
import io.kloigos.testkit.FakeHost;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.http.HttpStatus;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.test.context.bean.override.convention.TestBean;
import org.springframework.test.web.servlet.client.RestTestClient;

/** The application with a fake host in place of real ones. */
@SpringBootTest(webEnvironment = WebEnvironment.RANDOM_PORT)
class FleetApplicationTest {
    private static final String KEY =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDc6KL3e9j3FbCj6kNhl0mQyV0z1H5m2jzJp8tq0bY5k ann@example.org";
    private static final FakeHost HOST = FakeHost.builder("host1", "10.0.0.1").build();

    @TempDir
    private static Path directory;

    @TestBean
    private HostDriver driver;

    static HostDriver driver() {
        return FakeFleet.of(HOST).driver();
    }

    @DynamicPropertySource
    static void database(DynamicPropertyRegistry properties) {
        properties.add("fleet.database", () -> directory.resolve("kloigos.db").toString());
    }

    @Test
    void aTenantGetsAUnitAndTheNextIsRefused(@Autowired Kloigos kloigos, @LocalServerPort int port) {
        InitServerRequest init = InitServerRequest.of(HOST.address(), "eu", "a", List.of(CpuSet.parse("4-7")));
        kloigos.await(kloigos.initServer(init).id());
        RestTestClient client = RestTestClient.bindToServer()
                .baseUrl("http://localhost:" + port)
                .build();

        client.post()
                .uri("/units?cpus=4")
                .body(KEY)
                .exchange()
                .expectStatus()
                .isOk()
                .expectBody()
                .json("{'id': 'host1_4-7', 'user': 'u4-7', 'ip': '10.0.0.1', 'ports': '2000-2200'}");
        assertThat(HOST.login("u4-7").keys()).isNotEmpty();

        client.post()
                .uri("/units?cpus=4")
                .body(KEY)
                .exchange()
                .expectStatus()
                .isEqualTo(HttpStatus.CONFLICT)
                .expectBody()
                .jsonPath("$.code")
                .isEqualTo("NO_CAPACITY");
    }

    @Test
    void kloigosIsClosedWithTheApplication(@TempDir Path elsewhere) {
        Kloigos kloigos;
        try (ConfigurableApplicationContext application = SpringApplication.run(
                FleetApplication.class, "--server.port=0", "--fleet.database=" + elsewhere.resolve("kloigos.db"))) {
            kloigos = application.getBean(Kloigos.class);
        }

        assertThatThrownBy(() -> kloigos.initServer(
                        InitServerRequest.of(HOST.address(), "eu", "a", List.of(CpuSet.parse("4-7")))))
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.SHUTTING_DOWN));
    }
}
