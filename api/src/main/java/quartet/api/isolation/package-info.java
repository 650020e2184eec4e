/**
 * Devices in processes of their own ({@code --isolation process}): the parent's side, which looks
 * like any other worker, and the child's. They speak JSON, one message a line.
 */
@NullMarked
package quartet.api.isolation;

import org.jspecify.annotations.NullMarked;
