/** Things to be sent that outlive restarts: one small file each, until they have arrived. */
@NullMarked
package quartet.api.outbox;

import org.jspecify.annotations.NullMarked;
