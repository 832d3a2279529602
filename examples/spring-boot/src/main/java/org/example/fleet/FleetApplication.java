package org.example.fleet;

import io.kloigos.Kloigos;
import io.kloigos.driver.ssh.SshHostDriver;
import io.kloigos.driver.ssh.SshSettings;
import io.kloigos.spi.HostDriver;
import java.nio.file.Path;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

/** A Spring Boot application that hands out compute units. */
@SpringBootApplication
public class FleetApplication {
    public static void main(String[] arguments) {
        SpringApplication.run(FleetApplication.class, arguments);
    }

    @Bean
    HostDriver driver(@Value("${fleet.ssh-key}") Path privateKey) {
        return new SshHostDriver(SshSettings.withKey(privateKey));
    }

    @Bean(destroyMethod = "close")
    Kloigos kloigos(HostDriver driver, @Value("${fleet.database}") Path database) {
        return Kloigos.builder().driver(driver).database(database).build();
    }
}
