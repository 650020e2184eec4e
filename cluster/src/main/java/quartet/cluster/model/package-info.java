/** The one host copy of each checkpoint: who opens it, who holds it, when it goes. */
@NullMarked
package quartet.cluster.model;

import org.jspecify.annotations.NullMarked;
