package quartet.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ShapeTest {
  @Test
  void a_scalar_has_one_element_and_one_row() {
    assertThat(Shape.of().rank()).isZero();
    assertThat(Shape.of().elements()).isEqualTo(1);
    assertThat(Shape.of().rows()).isEqualTo(1);
  }

  @Test
  void negative_indices_count_from_the_innermost() {
    Shape shape = Shape.of(2, 3, 5);
    assertThat(shape.dim(0)).isEqualTo(2);
    assertThat(shape.dim(-1)).isEqualTo(5);
    assertThat(shape.dim(-3)).isEqualTo(2);
    assertThat(shape.elements()).isEqualTo(30);
  }

  @Test
  void rows_are_the_product_of_all_but_the_innermost_also_when_that_is_empty() {
    assertThat(Shape.of(2, 3, 5).rows()).isEqualTo(6);
    assertThat(Shape.of(7).rows()).isEqualTo(1);
    assertThat(Shape.of(3, 0).rows()).isEqualTo(3);
    assertThat(Shape.of(0, 3).rows()).isZero();
    assertThat(Shape.of(2, 1L << 40).rows()).isEqualTo(2);
  }

  @Test
  void a_negative_extent_is_refused() {
    assertThatThrownBy(() -> Shape.of(2, -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[2, -1]");
  }

  @Test
  void a_product_beyond_63_bits_is_refused_not_wrapped() {
    assertThat(Shape.of(1L << 31, 1L << 31).elements()).isEqualTo(1L << 62);
    assertThatThrownBy(() -> Shape.of(1L << 32, 1L << 32))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("too many elements");
    assertThatThrownBy(() -> Shape.of(Long.MAX_VALUE, 2))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void nobody_changes_a_shape_from_outside() {
    long[] extents = {2, 3};
    Shape shape = Shape.of(extents);
    extents[0] = 9;
    shape.extents()[1] = 9;
    assertThat(shape).isEqualTo(Shape.of(2, 3)).hasSameHashCodeAs(Shape.of(2, 3));
    assertThat(shape).isNotEqualTo(Shape.of(3, 2)).isNotEqualTo(Shape.of(2, 3, 1));
  }

  @Test
  void the_ends_can_be_replaced() {
    assertThat(Shape.of(2, 3).withLast(7)).isEqualTo(Shape.of(2, 7));
    assertThat(Shape.of(2, 3).withFirst(7)).isEqualTo(Shape.of(7, 3));
    assertThat(Shape.of(2, 3)).hasToString("[2, 3]");
  }
}
