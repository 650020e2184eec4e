/** Tests of plug-in jars, compiled while the test runs. */
@NullMarked
package quartet.engine.plugin;

import org.jspecify.annotations.NullMarked;
