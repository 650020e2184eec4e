/** What tests of every module share: goldens, tensor assertions, a seeded property runner. */
@NullMarked
package quartet.testkit;

import org.jspecify.annotations.NullMarked;
