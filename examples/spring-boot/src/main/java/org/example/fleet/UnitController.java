package org.example.fleet;

import io.kloigos.Kloigos;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.KloigosException;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import org.springframework.http.HttpStatus;
import org.springframework.http.ProblemDetail;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** Allocates over HTTP: the number of CPUs in the query, the tenant's public key in the body. */
@RestController
class UnitController {
    private final Kloigos kloigos;

    UnitController(Kloigos kloigos) {
        this.kloigos = kloigos;
    }

    /** How the tenant logs in. */
    record Login(String id, String user, String ip, String ports) {}

    @PostMapping("/units")
    Login allocate(@RequestParam int cpus, @RequestBody String key) {
        ComputeUnit unit =
                kloigos.allocate(new AllocateRequest(cpus, null, null, Tags.none(), new SshPublicKey(key.strip())));
        return new Login(unit.id().value(), unit.user(), unit.ip(), unit.ports().toString());
    }

    @ExceptionHandler
    ProblemDetail problem(KloigosException e) {
        HttpStatus status =
                switch (e.code().kind()) {
                    case REQUEST -> HttpStatus.BAD_REQUEST;
                    case STATE -> HttpStatus.CONFLICT;
                    case HOST -> HttpStatus.BAD_GATEWAY;
                    case SERVICE -> HttpStatus.SERVICE_UNAVAILABLE;
                    case STORE, PROGRAM -> HttpStatus.INTERNAL_SERVER_ERROR;
                };
        ProblemDetail problem = ProblemDetail.forStatusAndDetail(status, e.getMessage());
        problem.setProperty("code", e.code());
        return problem;
    }
}
