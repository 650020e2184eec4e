/** Tests of JSON on the wire, without a network. */
@NullMarked
package quartet.api.wire;

import org.jspecify.annotations.NullMarked;
