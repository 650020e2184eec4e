@NullMarked
package quartet.api.bench;

import org.jspecify.annotations.NullMarked;
