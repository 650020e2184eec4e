/**
 * What a running prompt and its surroundings say to each other: cancelling and progress. Owns no
 * work.
 */
@NullMarked
package quartet.engine.run;

import org.jspecify.annotations.NullMarked;
