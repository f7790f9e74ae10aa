// Shared by matmul.cl and convolution.cl.
