/** Tests of validation and planning: bad prompts get every error, good ones a plan. */
@NullMarked
package quartet.engine.graph;

import org.jspecify.annotations.NullMarked;
