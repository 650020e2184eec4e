/** The test report of a running server: what operators check before they trust one. */
@NullMarked
package quartet.api.report;

import org.jspecify.annotations.NullMarked;
