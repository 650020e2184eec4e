package quartet.tensor.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import quartet.tensor.Ops;

/**
 * Each op has a case among those that run on a GPU. Needs none itself: it reads which ops the
 * cases' compiled classes call, so that a forgotten case fails on every machine.
 */
final class OpsCoverageTest {
  private static final List<Class<?>> CASES = List.of(CudaOpsTest.class, AttentionOpsTest.class);

  @Test
  void eachOpHasACase() throws IOException {
    Set<String> called = new TreeSet<>();
    for (Class<?> cases : CASES) {
      called.addAll(opsCalledBy(cases));
    }
    Set<String> ops =
        Arrays.stream(Ops.class.getMethods()).map(Method::getName).collect(Collectors.toSet());
    assertThat(called).containsExactlyInAnyOrderElementsOf(ops);
  }

  private static Set<String> opsCalledBy(Class<?> cases) throws IOException {
    String owner = Ops.class.getName().replace('.', '/');
    Set<String> names = new TreeSet<>();
    try (InputStream file = cases.getResourceAsStream(cases.getSimpleName() + ".class")) {
      byte[] compiled = Objects.requireNonNull(file).readAllBytes();
      for (MethodModel method : ClassFile.of().parse(compiled).methods()) {
        method
            .code()
            .ifPresent(
                code ->
                    code.forEach(
                        element -> {
                          if (element instanceof InvokeInstruction call
                              && call.owner().asInternalName().equals(owner)) {
                            names.add(call.name().stringValue());
                          }
                        }));
      }
    }
    return names;
  }
}
