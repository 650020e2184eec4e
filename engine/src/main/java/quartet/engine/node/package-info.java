/**
 * What a node is: a schema with typed ports, and one function from inputs to outputs. Owns the
 * registry of node classes and the contract that plug-ins are written against; knows no particular
 * node.
 *
 * <p>A new node is one class in {@code quartet.engine.nodes} (or in a plug-in jar) that declares
 * its inputs as constants, its schema, and {@link Node#run}; then one line in its pack.
 */
@NullMarked
package quartet.engine.node;

import org.jspecify.annotations.NullMarked;
