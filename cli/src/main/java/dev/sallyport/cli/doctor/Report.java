package dev.sallyport.cli.doctor;

import java.util.List;

/** Where findings are told, check by check in their fixed order. */
interface Report {
    /** Says that a check is waited for. */
    void waiting(String check);

    /** Tells a check's findings. */
    void tell(String check, List<Finding> findings);

    /** Tells what comes after the last one. */
    void end();
}
