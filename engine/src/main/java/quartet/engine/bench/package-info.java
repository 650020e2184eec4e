/**
 * Measures a device: its ceilings, single ops, models and whole prompts. Owns no device; whoever
 * calls it brings a backend.
 */
@NullMarked
package quartet.engine.bench;

import org.jspecify.annotations.NullMarked;
