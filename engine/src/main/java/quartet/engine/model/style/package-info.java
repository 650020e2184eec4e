/**
 * A style adapter of T2I-Adapter. Source: Mou et al. 2023; TencentARC/T2I-Adapter for the names.
 */
@NullMarked
package quartet.engine.model.style;

import org.jspecify.annotations.NullMarked;
