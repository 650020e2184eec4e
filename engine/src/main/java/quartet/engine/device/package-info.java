/**
 * One device's side of the engine: its thread, the models resident on it, and the worker that runs
 * plans there. Owns the backend of the device.
 */
@NullMarked
package quartet.engine.device;

import org.jspecify.annotations.NullMarked;
