/**
 * Networks that steer a UNet by a picture: ControlNets and T2I-Adapters. Owns what they share, the
 * picture's way to them and the form of what they add.
 */
@NullMarked
package quartet.engine.model.control;

import org.jspecify.annotations.NullMarked;
