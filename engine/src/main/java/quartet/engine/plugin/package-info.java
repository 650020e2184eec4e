/**
 * Node packs from jars in {@code custom_nodes/}: finding them, loading them, and checking their
 * class files for devices that are named in code. Owns the class loaders of the plug-ins.
 */
@NullMarked
package quartet.engine.plugin;

import org.jspecify.annotations.NullMarked;
