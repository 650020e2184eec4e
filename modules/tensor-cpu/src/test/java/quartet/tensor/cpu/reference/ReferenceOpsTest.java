package quartet.tensor.cpu.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import quartet.tensor.Activation;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.Device;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;
import quartet.testkit.TensorAssertions;
import quartet.testkit.Tolerance;

/** Small cases, worked out by hand. */
class ReferenceOpsTest {
  private final ReferenceBackend backend = new ReferenceBackend(Device.cpu(0));
  private final TensorScope scope = backend.openScope("test");
  private final Parameters parameters = backend.openParameters("test");
  private final Ops ops = scope.ops();

  @AfterEach
  void closeAndCount() {
    parameters.close();
    scope.close();
    assertThat(backend.memory().scopeBytes()).isZero();
    assertThat(backend.memory().parameterBytes()).isZero();
  }

  private Tensor tensor(Shape shape, float... numbers) {
    return ops.upload(HostTensor.of(shape, numbers));
  }

  private static HostTensor host(Shape shape, float... numbers) {
    return HostTensor.of(shape, numbers);
  }

  @Test
  void convolutionWithAnEdgeKernelShiftsTheImage() {
    // A kernel whose only weight sits at (ky, kx) = (0, 1) reads the pixel above.
    Parameters.Conv2d conv =
        parameters.conv2d(
            host(Shape.of(1, 1, 3, 3), 0, 1, 0, 0, 0, 0, 0, 0, 0),
            host(Shape.of(1), 10),
            Conv2dGeometry.SAME_3X3);
    Tensor x = tensor(Shape.of(1, 2, 3, 1), 1, 2, 3, 4, 5, 6);
    assertThat(ops.download(ops.conv2d(x, conv, null))).containsExactly(10, 10, 10, 11, 12, 13);
    assertThat(ops.download(ops.conv2d(x, conv, x))).containsExactly(11, 12, 13, 15, 17, 19);
  }

  @Test
  void stridedConvolutionPaddedRightAndBottomReadsPastTheEnd() {
    Parameters.Conv2d conv =
        parameters.conv2d(
            host(Shape.of(1, 1, 3, 3), 1, 1, 1, 1, 1, 1, 1, 1, 1),
            null,
            Conv2dGeometry.DOWN_3X3_RIGHT_BOTTOM);
    Tensor x = tensor(Shape.of(1, 2, 2, 1), 1, 2, 3, 4);
    Tensor y = ops.conv2d(x, conv, null);
    assertThat(y.shape()).isEqualTo(Shape.of(1, 1, 1, 1));
    assertThat(ops.download(y)).containsExactly(10);
  }

  @Test
  void convolutionSumsOverInputChannels() {
    Parameters.Conv2d conv =
        parameters.conv2d(
            host(Shape.of(2, 2, 1, 1), 1, 10, 100, 1000), null, Conv2dGeometry.POINTWISE);
    Tensor x = tensor(Shape.of(1, 1, 2, 2), 1, 2, 3, 4);
    assertThat(ops.download(ops.conv2d(x, conv, null))).containsExactly(21, 2100, 43, 4300);
  }

  @Test
  void linearMultipliesByTheTransposedWeight() {
    Parameters.Linear linear =
        parameters.linear(host(Shape.of(2, 3), 1, 2, 3, 4, 5, 6), host(Shape.of(2), 10, 20));
    Tensor x = tensor(Shape.of(2, 3), 1, 0, 0, 0, 1, 1);
    Tensor y = ops.linear(x, linear, Activation.NONE, null);
    assertThat(ops.download(y)).containsExactly(11, 24, 15, 31);
  }

  @Test
  void gegluGatesTheFirstHalfByTheSecond() {
    Parameters.Linear linear = parameters.linear(host(Shape.of(2, 1), 3, 1), null);
    float[] y = ops.download(ops.linearGeglu(tensor(Shape.of(1, 1), 2), linear));
    assertThat(y[0]).isCloseTo(6 * 2 * 0.97724986f, within(1e-5f));
  }

  @Test
  void activationsAtKnownPoints() {
    Tensor x = tensor(Shape.of(4), -1, 0, 1, 3);
    assertClose(ops.activate(x, Activation.SILU), -0.26894143f, 0, 0.7310586f, 2.8577223f);
    assertClose(ops.activate(x, Activation.GELU), -0.15865526f, 0, 0.8413448f, 2.9959502f);
    assertClose(ops.activate(x, Activation.QUICK_GELU), -0.15420423f, 0, 0.84579575f, 2.9819298f);
  }

  @Test
  void errorFunctionFarFromZero() {
    assertThat(Scalars.erfc(4)).isCloseTo(1.541725790028002e-8, within(1e-20));
    assertThat(Scalars.erfc(2)).isCloseTo(0.004677734981047266, within(1e-15));
    assertThat(Scalars.erfc(-0.5)).isCloseTo(1.5204998778130465, within(1e-14));
  }

  @Test
  void groupNormCentresEachGroupOverAllPixels() {
    Parameters.Norm norm = parameters.norm(host(Shape.of(2), 1, 2), host(Shape.of(2), 0, 5));
    Tensor x = tensor(Shape.of(1, 1, 2, 2), 1, 10, 3, 30);
    assertClose(ops.groupNorm(x, norm, 2, 0, Activation.NONE), -1, 3, 1, 7);
  }

  @Test
  void layerNormCentresEachRow() {
    Parameters.Norm norm = parameters.norm(host(Shape.of(2), 1, 1), host(Shape.of(2), 0, 0));
    Tensor x = tensor(Shape.of(2, 2), 1, 3, -5, 5);
    assertClose(ops.layerNorm(x, norm, 0), -1, 1, -1, 1);
  }

  @Test
  void attentionWeighsValuesBySoftmaxOfScaledProducts() {
    Tensor q = tensor(Shape.of(1, 1, 4), 2, 0, 0, 0);
    Tensor k = tensor(Shape.of(1, 2, 4), (float) Math.log(3), 0, 0, 0, 0, 0, 0, 0);
    Tensor v = tensor(Shape.of(1, 2, 4), 4, 8, 0, 0, 0, 0, 4, 0);
    assertClose(ops.attention(q, k, v, 1, false), 3, 6, 1, 0);
  }

  @Test
  void causalAttentionOfTheFirstTokenSeesItselfOnly() {
    Tensor x = tensor(Shape.of(1, 2, 1), 1, 2);
    float[] y = ops.download(ops.attention(x, x, x, 1, true));
    assertThat(y[0]).isEqualTo(1);
    assertThat(y[1]).isBetween(1f, 2f);
  }

  @Test
  void shapesMoveNumbersOnly() {
    Tensor x = tensor(Shape.of(1, 2, 1, 3), 1, 2, 3, 4, 5, 6);
    Tensor nhwc = ops.toChannelsLast(x);
    assertThat(nhwc.shape()).isEqualTo(Shape.of(1, 1, 3, 2));
    assertThat(ops.download(nhwc)).containsExactly(1, 4, 2, 5, 3, 6);
    assertThat(ops.download(ops.toChannelsFirst(nhwc))).containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(ops.download(ops.sliceLast(nhwc, 1, 2))).containsExactly(4, 5, 6);
    assertThat(ops.download(ops.concatLast(nhwc, ops.sliceLast(nhwc, 0, 1))))
        .containsExactly(1, 4, 1, 2, 5, 2, 3, 6, 3);
    assertThat(ops.download(ops.concatFirst(x, x)))
        .containsExactly(1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6);
    Tensor large = ops.resizeNearest(nhwc, 2, 6);
    assertThat(large.shape()).isEqualTo(Shape.of(1, 2, 6, 2));
    assertThat(ops.download(ops.sliceLast(large, 0, 1)))
        .containsExactly(1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 3);
  }

  @Test
  void embeddingLooksRowsUpAndRefusesStrangers() {
    Parameters.Table table = parameters.table(host(Shape.of(2, 2), 1, 2, 3, 4));
    Tensor ids = ops.upload(HostTensor.of(Shape.of(1, 3), new int[] {1, 0, 1}));
    Tensor rows = ops.embedding(table, ids);
    assertThat(rows.shape()).isEqualTo(Shape.of(1, 3, 2));
    assertThat(ops.download(rows)).containsExactly(3, 4, 1, 2, 3, 4);
    Tensor bad = ops.upload(HostTensor.of(Shape.of(1), new int[] {2}));
    assertThatIllegalArgumentException().isThrownBy(() -> ops.embedding(table, bad));
  }

  @Test
  void elementwise() {
    Tensor x = tensor(Shape.of(2, 2), 1, -2, 3, Float.NaN);
    Tensor y = tensor(Shape.of(2, 2), 10, 20, 30, 40);
    assertThat(ops.download(ops.add(x, y))).containsExactly(11, 18, 33, Float.NaN);
    assertThat(ops.download(ops.multiply(x, y))).containsExactly(10, -40, 90, Float.NaN);
    assertThat(ops.download(ops.linearCombination(2, x, 0.5f, y)))
        .containsExactly(7, 6, 21, Float.NaN);
    assertThat(ops.download(ops.affine(x, 2, 1))).containsExactly(3, -3, 7, Float.NaN);
    assertThat(ops.download(ops.clamp(x, 0, 2))).containsExactly(1, 0, 2, Float.NaN);
    assertThat(ops.download(ops.addPerChannel(x, y))).containsExactly(11, 18, 33, Float.NaN);
  }

  @Test
  void misuseNamesOpAndShapes() {
    Tensor x = tensor(Shape.of(2, 2), 1, 2, 3, 4);
    Tensor y = tensor(Shape.of(4), 1, 2, 3, 4);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ops.add(x, y))
        .withMessageContaining("add")
        .withMessageContaining("[2, 2]")
        .withMessageContaining("[4]");
    Parameters.Linear linear = parameters.linear(host(Shape.of(1, 3), 1, 2, 3), null);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ops.linear(x, linear, Activation.NONE, null))
        .withMessageContaining("[..., 3]");
  }

  private void assertClose(Tensor actual, float... expected) {
    TensorAssertions.assertClose("result", ops.download(actual), expected, Tolerance.of(1e-6));
  }
}
