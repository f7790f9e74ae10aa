// The sizes of a convolution, as Ops/Convolution.cs has them; shared by all its programs.

typedef struct {
    int batch, height, width, channels, filters;
    int kernel_y, kernel_x, stride_y, stride_x;
    int pad_top, pad_bottom, pad_left, pad_right;
    int dilation_y, dilation_x, groups;
    int out_height, out_width;
} conv_shape;
