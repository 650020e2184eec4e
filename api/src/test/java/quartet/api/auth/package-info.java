/** Tests of keys and roles, without a network. */
@NullMarked
package quartet.api.auth;

import org.jspecify.annotations.NullMarked;
