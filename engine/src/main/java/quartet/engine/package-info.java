/**
 * Workflow graph, nodes, models and samplers. Knows the Backend interface, never a backend, and has
 * no Akka.
 */
@NullMarked
package quartet.engine;

import org.jspecify.annotations.NullMarked;
