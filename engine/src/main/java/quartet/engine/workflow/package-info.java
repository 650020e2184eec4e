/** Workflows as the editor saves them, and how they become prompts. Knows schemas; runs nothing. */
@NullMarked
package quartet.engine.workflow;

import org.jspecify.annotations.NullMarked;
