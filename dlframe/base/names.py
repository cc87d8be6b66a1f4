"""Which module defines each name of a package; made by `python tools/make_names.py`.

Of each package: where names come from, and the names. After a dot they are modules themselves.
"""

from __future__ import annotations

NAMES: dict[str, dict[str, str]] = {
    "dlframe": {
        "dlframe.": (
            "accelerator amp autograd backends cuda data distributed fft func jit linalg metrics "
            "models multiprocessing nn onnx optim plugins profiler random signal special study "
            "testing training utils viz"
        ),
        "dlframe.autograd.anomaly": (
            "is_anomaly_check_nan_enabled is_anomaly_enabled set_anomaly_enabled"
        ),
        "dlframe.autograd.func.batching": "vmap",
        "dlframe.autograd.modes": (
            "enable_grad inference_mode is_grad_enabled is_inference_mode_enabled no_grad "
            "set_grad_enabled"
        ),
        "dlframe.dtypes": (
            "bool can_cast double dtype finfo float float16 float32 float64 get_default_dtype half "
            "iinfo int int16 int32 int64 int8 long promote_types result_type set_default_dtype "
            "short uint16 uint32 uint64 uint8"
        ),
        "dlframe.nn.top.layers": (
            "adaptive_avg_pool1d adaptive_max_pool1d affine_grid_generator avg_pool1d batch_norm "
            "bilinear channel_shuffle constant_pad_nd conv1d conv2d conv3d conv_tbc "
            "conv_transpose1d conv_transpose2d conv_transpose3d convolution grid_sampler "
            "grid_sampler_2d grid_sampler_3d group_norm gru gru_cell instance_norm layer_norm lstm "
            "lstm_cell max_pool1d max_pool1d_with_indices max_pool2d max_pool3d "
            "native_channel_shuffle pixel_shuffle pixel_unshuffle rms_norm rnn_relu rnn_relu_cell "
            "rnn_tanh rnn_tanh_cell"
        ),
        "dlframe.nn.top.losses": (
            "binary_cross_entropy_with_logits cosine_embedding_loss ctc_loss hinge_embedding_loss "
            "kl_div margin_ranking_loss poisson_nll_loss triplet_margin_loss"
        ),
        "dlframe.nn.top.native": (
            "native_batch_norm native_dropout native_group_norm native_layer_norm"
        ),
        "dlframe.porting.hook": "install_torch",
        "dlframe.random.default": (
            "default_generator fork_rng get_rng_state initial_seed manual_seed seed set_rng_state"
        ),
        "dlframe.random.generator": "Generator",
        "dlframe.tensor.creation.constants": (
            "empty empty_permuted empty_strided eye full ones tril_indices triu_indices zeros"
        ),
        "dlframe.tensor.creation.data": (
            "as_tensor asarray from_dlpack from_numpy frombuffer scalar_tensor tensor"
        ),
        "dlframe.tensor.creation.like": (
            "empty_like full_like ones_like rand_like randint_like randn_like zeros_like"
        ),
        "dlframe.tensor.creation.ranges": "arange linspace logspace range",
        "dlframe.tensor.creation.sampling": (
            "bernoulli binomial multinomial normal poisson rand randint randn randperm"
        ),
        "dlframe.tensor.creation.windows": (
            "bartlett_window blackman_window hamming_window hann_window kaiser_window"
        ),
        "dlframe.tensor.devices": (
            "channels_last channels_last_3d contiguous_format device layout memory_format "
            "preserve_format strided"
        ),
        "dlframe.tensor.functions.": "return_types",
        "dlframe.tensor.functions.activation": (
            "celu celu_ hardshrink prelu relu relu_ rrelu rrelu_ selu selu_ threshold threshold_"
        ),
        "dlframe.tensor.functions.arithmetic": (
            "abs abs_ absolute add addcdiv addcmul clone copysign div divide float_power "
            "floor_divide fmod hypot ldexp ldexp_ lerp mul multiply neg neg_ negative negative_ "
            "nextafter positive pow reciprocal reciprocal_ remainder rsqrt rsqrt_ rsub sqrt sqrt_ "
            "square square_ sub subtract true_divide"
        ),
        "dlframe.tensor.functions.axes": (
            "adjoint moveaxis movedim permute swapaxes swapdims t transpose"
        ),
        "dlframe.tensor.functions.calculus": "cumulative_trapezoid diff gradient trapezoid trapz",
        "dlframe.tensor.functions.clamping": (
            "clamp clamp_ clamp_max clamp_max_ clamp_min clamp_min_ clip clip_ fmax fmin maximum "
            "minimum nan_to_num nan_to_num_ where"
        ),
        "dlframe.tensor.functions.comparison": (
            "allclose bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift "
            "bitwise_xor eq equal gcd gcd_ ge greater greater_equal gt is_floating_point "
            "is_nonzero is_tensor isclose isfinite isinf isnan isneginf isposinf isreal lcm lcm_ "
            "le less less_equal logical_and logical_not logical_or logical_xor lt ne not_equal "
            "signbit"
        ),
        "dlframe.tensor.functions.contraction": "chain_matmul einsum tensordot",
        "dlframe.tensor.functions.copies": (
            "alias_copy as_strided_copy detach_copy diagonal_copy expand_copy permute_copy "
            "select_copy slice_copy split_copy split_with_sizes_copy squeeze_copy t_copy "
            "transpose_copy unbind_copy unfold_copy unsqueeze_copy view_copy"
        ),
        "dlframe.tensor.functions.counting": "bincount unique unique_consecutive",
        "dlframe.tensor.functions.diagonals": "diag diag_embed diagflat diagonal tril triu",
        "dlframe.tensor.functions.distances": "cosine_similarity pairwise_distance pdist",
        "dlframe.tensor.functions.dropout": (
            "alpha_dropout alpha_dropout_ dropout dropout_ feature_alpha_dropout "
            "feature_alpha_dropout_ feature_dropout feature_dropout_"
        ),
        "dlframe.tensor.functions.embedding": "embedding embedding_bag embedding_renorm_",
        "dlframe.tensor.functions.exponential": (
            "exp exp2 exp2_ exp_ expm1 expm1_ log log10 log10_ log1p log1p_ log2 log2_ log_ "
            "logaddexp logaddexp2 logit logit_ sigmoid sigmoid_ xlogy xlogy_"
        ),
        "dlframe.tensor.functions.extremes": "amax amin aminmax argmax argmin max min",
        "dlframe.tensor.functions.factors": "geqrf lu orgqr ormqr pca_lowrank svd_lowrank",
        "dlframe.tensor.functions.filling": "fill",
        "dlframe.tensor.functions.histograms": "histc histogram histogramdd",
        "dlframe.tensor.functions.indexing": "gather index_select take take_along_dim",
        "dlframe.tensor.functions.joining": (
            "block_diag cartesian_prod cat column_stack combinations concat concatenate dstack "
            "hstack meshgrid row_stack stack vstack"
        ),
        "dlframe.tensor.functions.masking": "masked_fill masked_scatter masked_select",
        "dlframe.tensor.functions.matrices": (
            "cholesky cholesky_inverse cholesky_solve det inverse logdet lu_solve lu_unpack "
            "matrix_exp matrix_power pinverse qr slogdet svd triangular_solve vander"
        ),
        "dlframe.tensor.functions.norms": (
            "cdist dist frobenius_norm norm norm_except_dim nuclear_norm renorm"
        ),
        "dlframe.tensor.functions.products": (
            "addbmm addmm addmv addmv_ addr baddbmm bmm cross dot ger inner kron matmul mm mv "
            "outer vdot"
        ),
        "dlframe.tensor.functions.properties": (
            "conj conj_physical conj_physical_ detach detach_ fill_ get_device imag is_complex "
            "is_conj is_inference is_neg is_same_size is_signed real resize_as_ resolve_conj "
            "resolve_neg zero_"
        ),
        "dlframe.tensor.functions.reduction": (
            "all any count_nonzero log_softmax logsumexp mean nanmean nansum prod softmax std "
            "std_mean sum trace var var_mean"
        ),
        "dlframe.tensor.functions.removed": "eig lstsq matrix_rank solve symeig",
        "dlframe.tensor.functions.repeating": (
            "flip fliplr flipud repeat_interleave roll rot90 tile"
        ),
        "dlframe.tensor.functions.reshaping": (
            "atleast_1d atleast_2d atleast_3d broadcast_shapes broadcast_tensors broadcast_to "
            "flatten numel ravel reshape squeeze unflatten unsqueeze"
        ),
        "dlframe.tensor.functions.scan": "cummax cummin cumprod cumsum logcumsumexp",
        "dlframe.tensor.functions.scattering": (
            "index_add index_copy index_fill index_put index_put_ index_reduce put scatter "
            "scatter_add scatter_reduce"
        ),
        "dlframe.tensor.functions.searching": (
            "argwhere bucketize isin nonzero nonzero_static searchsorted unravel_index"
        ),
        "dlframe.tensor.functions.segments": "segment_reduce",
        "dlframe.tensor.functions.sorting": (
            "argsort kthvalue median mode msort nanmedian sort topk"
        ),
        "dlframe.tensor.functions.special": (
            "digamma erf erf_ erfc erfc_ erfinv i0 i0_ igamma igammac lgamma mvlgamma polygamma"
        ),
        "dlframe.tensor.functions.splitting": (
            "chunk dsplit hsplit narrow narrow_copy select split split_with_sizes tensor_split "
            "unbind unsafe_chunk unsafe_split unsafe_split_with_sizes vsplit"
        ),
        "dlframe.tensor.functions.statistics": "corrcoef cov nanquantile quantile",
        "dlframe.tensor.functions.steps": (
            "ceil ceil_ fix fix_ floor floor_ frac frac_ frexp heaviside round round_ sgn sign "
            "trunc trunc_"
        ),
        "dlframe.tensor.functions.trigonometric": (
            "acos acos_ acosh acosh_ angle arccos arccos_ arccosh arccosh_ arcsin arcsin_ arcsinh "
            "arcsinh_ arctan arctan2 arctan_ arctanh arctanh_ asin asin_ asinh asinh_ atan atan2 "
            "atan_ atanh atanh_ cos cos_ cosh cosh_ deg2rad deg2rad_ rad2deg rad2deg_ sin sin_ "
            "sinc sinc_ sinh sinh_ tan tan_ tanh tanh_"
        ),
        "dlframe.tensor.functions.views": (
            "as_strided as_strided_scatter diagonal_scatter select_scatter slice_scatter"
        ),
        "dlframe.tensor.printing": "set_printoptions",
        "dlframe.tensor.settings": (
            "are_deterministic_algorithms_enabled compile get_default_device "
            "get_deterministic_debug_mode get_float32_matmul_precision get_num_interop_threads "
            "get_num_threads is_deterministic_algorithms_warn_only_enabled is_storage "
            "is_warn_always_enabled set_default_device set_default_tensor_type "
            "set_deterministic_debug_mode set_float32_matmul_precision set_flush_denormal "
            "set_num_interop_threads set_num_threads set_warn_always typename "
            "use_deterministic_algorithms"
        ),
        "dlframe.tensor.size": "Size",
        "dlframe.tensor.types": (
            "BoolTensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor IntTensor "
            "LongTensor ShortTensor"
        ),
        "dlframe.training.trainer": "Trainer",
        "dlframe.utils.dlpack": "to_dlpack",
        "dlframe.utils.files": "load save",
        "dlframe.version": "__version__",
        "dlframe.viz.explain": "explain",
    },
    "dlframe.autograd": {
        "dlframe.autograd.": "functional graph",
        "dlframe.autograd.anomaly": (
            "detect_anomaly is_anomaly_check_nan_enabled is_anomaly_enabled set_detect_anomaly"
        ),
        "dlframe.autograd.backward": "backward grad",
        "dlframe.autograd.function": "Function FunctionCtx once_differentiable",
        "dlframe.autograd.gradcheck": "GradcheckError gradcheck gradgradcheck",
        "dlframe.autograd.keeping": "keep_values",
        "dlframe.autograd.modes": (
            "enable_grad inference_mode is_grad_enabled is_inference_mode_enabled no_grad "
            "set_grad_enabled"
        ),
        "dlframe.autograd.variable": "Variable",
        "dlframe.ops.record": "mark_mutated mark_mutated_many",
    },
    "dlframe.autograd.func": {
        "dlframe.autograd.func.batching": "vmap",
        "dlframe.autograd.func.derivatives": "grad grad_and_value jvp linearize value_and_grad vjp",
        "dlframe.autograd.func.jacobians": "hessian jacfwd jacrev",
        "dlframe.autograd.func.modules": (
            "functional_call replace_all_batch_norm_modules_ stack_module_state"
        ),
    },
    "dlframe.data": {
        "dlframe.data.": "datasets transforms",
        "dlframe.data.batch": "Batch",
        "dlframe.data.collate": "default_collate default_convert",
        "dlframe.data.dataset": (
            "ChainDataset ConcatDataset Dataset IterableDataset StackDataset Subset TensorDataset "
            "random_split"
        ),
        "dlframe.data.fetch": "get_worker_info",
        "dlframe.data.loader": "DataLoader",
        "dlframe.data.sampler": (
            "BatchSampler DistributedSampler RandomSampler Sampler SequentialSampler "
            "SubsetRandomSampler WeightedRandomSampler"
        ),
        "dlframe.data.splits": "KFold Split folds split",
        "dlframe.data.stream": "sample_generator",
        "dlframe.data.table": "Table TableEncoder read_arrays",
    },
    "dlframe.func": {
        "dlframe.autograd.func.batching": "vmap",
        "dlframe.autograd.func.derivatives": "grad grad_and_value jvp linearize value_and_grad vjp",
        "dlframe.autograd.func.jacobians": "hessian jacfwd jacrev",
        "dlframe.autograd.func.modules": (
            "functional_call replace_all_batch_norm_modules_ stack_module_state"
        ),
    },
    "dlframe.linalg": {
        "dlframe.errors": "LinAlgError",
        "dlframe.tensor.linalg.decompositions": (
            "cholesky cholesky_ex eigh eigvalsh householder_product ldl_factor ldl_factor_ex lu "
            "lu_factor lu_factor_ex qr svd svdvals"
        ),
        "dlframe.tensor.linalg.norms": "cond matrix_norm matrix_rank norm vector_norm",
        "dlframe.tensor.linalg.products": (
            "cross diagonal matmul matrix_exp matrix_power multi_dot vander vecdot"
        ),
        "dlframe.tensor.linalg.solvers": (
            "det inv inv_ex ldl_solve lstsq lu_solve pinv slogdet solve solve_ex solve_triangular "
            "tensorinv tensorsolve"
        ),
    },
    "dlframe.metrics": {
        "dlframe.metrics.": "functional",
        "dlframe.metrics.classification": (
            "Accuracy BalancedAccuracy CohenKappa ConfusionMatrix HammingLoss MatthewsCoefficient "
            "SubsetAccuracy TopKAccuracy"
        ),
        "dlframe.metrics.correlation": (
            "ExplainedVariance KendallCorrelation PearsonCorrelation R2Score SpearmanCorrelation "
            "explained_variance kendall_correlation pearson_correlation r2_score "
            "spearman_correlation"
        ),
        "dlframe.metrics.curves": "PrecisionRecall ROCPoints",
        "dlframe.metrics.functional": (
            "accuracy accuracy_macro accuracy_per_class balanced_accuracy cohen_kappa "
            "confusion_matrix f1 f1_binary f1_macro f1_micro f1_per_class f1_weighted fbeta "
            "hamming_loss jaccard matthews_coefficient precision precision_binary precision_macro "
            "precision_micro precision_per_class precision_weighted recall recall_binary "
            "recall_macro recall_micro recall_per_class recall_weighted specificity "
            "subset_accuracy top_k_accuracy"
        ),
        "dlframe.metrics.intervals": "interval",
        "dlframe.metrics.metric": "Averaged Collected Mean MeanLoss Metric",
        "dlframe.metrics.naming": "by_name names",
        "dlframe.metrics.probabilities": (
            "BrierScore CalibrationError LogLoss Perplexity Reliability brier_score "
            "calibration_error log_loss perplexity reliability_curve"
        ),
        "dlframe.metrics.ranking": (
            "AUROC AveragePrecision PrecisionRecallCurve ROCCurve auroc average_precision "
            "precision_recall_curve roc_curve"
        ),
        "dlframe.metrics.regression": (
            "MaxError MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredError "
            "MeanSquaredLogError MedianAbsoluteError SymmetricMeanAbsolutePercentageError "
            "max_error mean_absolute_error mean_absolute_percentage_error mean_squared_error "
            "mean_squared_log_error median_absolute_error symmetric_mean_absolute_percentage_error"
        ),
        "dlframe.metrics.report": "classification_report classification_table",
        "dlframe.metrics.scores": "scores_of",
        "dlframe.metrics.shares": "F1 FBeta Jaccard Precision Recall Specificity",
    },
    "dlframe.nn": {
        "dlframe.nn.": "attention functional grad init lazy modules utils",
        "dlframe.nn.activation": (
            "GELU Hardshrink Hardsigmoid Hardswish LogSigmoid Mish SiLU Sigmoid Softplus "
            "Softshrink Softsign Tanh Tanhshrink"
        ),
        "dlframe.nn.adaptive_pooling": (
            "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d "
            "AdaptiveMaxPool2d AdaptiveMaxPool3d FractionalMaxPool2d FractionalMaxPool3d"
        ),
        "dlframe.nn.batchnorm": (
            "BatchNorm1d BatchNorm2d BatchNorm3d LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d "
            "SyncBatchNorm"
        ),
        "dlframe.nn.container": "Container ModuleDict ModuleList Sequential",
        "dlframe.nn.conv": (
            "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d LazyConv1d "
            "LazyConv2d LazyConv3d LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d"
        ),
        "dlframe.nn.distance": "CosineSimilarity PairwiseDistance",
        "dlframe.nn.dropout": (
            "AlphaDropout DropConnect Dropout Dropout1d Dropout2d Dropout3d FeatureAlphaDropout"
        ),
        "dlframe.nn.embedding": "Embedding EmbeddingBag",
        "dlframe.nn.flatten": "Flatten Unflatten",
        "dlframe.nn.fold": "ChannelShuffle Fold PixelShuffle PixelUnshuffle Unfold",
        "dlframe.nn.instancenorm": (
            "InstanceNorm1d InstanceNorm2d InstanceNorm3d LazyInstanceNorm1d LazyInstanceNorm2d "
            "LazyInstanceNorm3d"
        ),
        "dlframe.nn.linear": "Bilinear Identity LazyLinear Linear",
        "dlframe.nn.loss": (
            "BCELoss BCEWithLogitsLoss CrossEntropyLoss GaussianNLLLoss HuberLoss KLDivLoss L1Loss "
            "MSELoss NLLLoss NLLLoss2d PoissonNLLLoss SmoothL1Loss"
        ),
        "dlframe.nn.margin_loss": (
            "CrammerSingerLoss HingeLoss MultiLabelMarginLoss MultiLabelSoftMarginLoss "
            "MultiMarginLoss PerceptronLoss SoftMarginLoss WestonWatkinsLoss"
        ),
        "dlframe.nn.module": "Module",
        "dlframe.nn.multihead": "MultiheadAttention",
        "dlframe.nn.normalization": "CrossMapLRN2d GroupNorm LayerNorm LocalResponseNorm RMSNorm",
        "dlframe.nn.padding": (
            "CircularPad1d CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d "
            "ReflectionPad1d ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d "
            "ReplicationPad3d ZeroPad1d ZeroPad2d ZeroPad3d"
        ),
        "dlframe.nn.pair_loss": (
            "CosineEmbeddingLoss HingeEmbeddingLoss MarginRankingLoss TripletMarginLoss "
            "TripletMarginWithDistanceLoss"
        ),
        "dlframe.nn.parallel": "DataParallel",
        "dlframe.nn.parameter": "Buffer Parameter UninitializedBuffer UninitializedParameter",
        "dlframe.nn.parameter_container": "ParameterDict ParameterList",
        "dlframe.nn.pooling": (
            "AvgPool1d AvgPool2d AvgPool3d LPPool1d LPPool2d LPPool3d MaxPool1d MaxPool2d MaxPool3d"
        ),
        "dlframe.nn.rectifiers": (
            "CELU ELU Hardtanh LeakyReLU PReLU RReLU ReLU ReLU6 SELU Threshold"
        ),
        "dlframe.nn.recurrent": "GRU LSTM RNN",
        "dlframe.nn.recurrent_base": "RNNBase",
        "dlframe.nn.recurrent_cells": "GRUCell LSTMCell RNNCell RNNCellBase",
        "dlframe.nn.sequence_loss": (
            "AdaptiveLogSoftmaxWithLoss CTCLoss LinearCrossEntropyLoss LinearCrossEntropyOptions"
        ),
        "dlframe.nn.softmax": "GLU LogSoftmax Softmax Softmax2d Softmin",
        "dlframe.nn.transformer": "Transformer TransformerDecoder TransformerEncoder",
        "dlframe.nn.transformer_layers": "TransformerDecoderLayer TransformerEncoderLayer",
        "dlframe.nn.unpooling": "MaxUnpool1d MaxUnpool2d MaxUnpool3d",
        "dlframe.nn.upsampling": "Upsample UpsamplingBilinear2d UpsamplingNearest2d",
    },
    "dlframe.nn.functional": {
        "dlframe.nn.functional.activation": (
            "celu celu_ elu elu_ gelu glu gumbel_softmax hardshrink hardsigmoid hardswish hardtanh "
            "hardtanh_ leaky_relu leaky_relu_ log_softmax logsigmoid mish prelu relu relu6 relu_ "
            "rrelu rrelu_ selu selu_ sigmoid silu softmax softmin softplus softshrink softsign "
            "tanh tanhshrink threshold threshold_"
        ),
        "dlframe.nn.functional.adaptive_pooling": (
            "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d "
            "adaptive_max_pool1d_with_indices adaptive_max_pool2d adaptive_max_pool2d_with_indices "
            "adaptive_max_pool3d adaptive_max_pool3d_with_indices fractional_max_pool2d "
            "fractional_max_pool2d_with_indices fractional_max_pool3d "
            "fractional_max_pool3d_with_indices"
        ),
        "dlframe.nn.functional.attention": "scaled_dot_product_attention",
        "dlframe.nn.functional.classification": "cross_entropy nll_loss",
        "dlframe.nn.functional.convolution": (
            "conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d"
        ),
        "dlframe.nn.functional.distance": "cosine_similarity pairwise_distance pdist",
        "dlframe.nn.functional.dropout": (
            "alpha_dropout dropout dropout1d dropout2d dropout3d feature_alpha_dropout"
        ),
        "dlframe.nn.functional.embedding": "embedding embedding_bag one_hot",
        "dlframe.nn.functional.folding": (
            "channel_shuffle fold native_channel_shuffle pixel_shuffle pixel_unshuffle unfold"
        ),
        "dlframe.nn.functional.grids": "affine_grid grid_sample",
        "dlframe.nn.functional.heads": "multi_head_attention_forward",
        "dlframe.nn.functional.interpolation": (
            "interpolate upsample upsample_bilinear upsample_nearest"
        ),
        "dlframe.nn.functional.linear": "bilinear linear",
        "dlframe.nn.functional.linear_cross_entropy": "linear_cross_entropy",
        "dlframe.nn.functional.loss": (
            "binary_cross_entropy binary_cross_entropy_with_logits gaussian_nll_loss huber_loss "
            "kl_div l1_loss mse_loss poisson_nll_loss smooth_l1_loss"
        ),
        "dlframe.nn.functional.margins": (
            "crammer_singer_loss hinge_loss multi_margin_loss multilabel_margin_loss "
            "multilabel_soft_margin_loss soft_margin_loss weston_watkins_loss"
        ),
        "dlframe.nn.functional.normalization": (
            "batch_norm group_norm instance_norm layer_norm local_response_norm normalize rms_norm"
        ),
        "dlframe.nn.functional.pairs": (
            "cosine_embedding_loss hinge_embedding_loss margin_ranking_loss triplet_margin_loss "
            "triplet_margin_with_distance_loss"
        ),
        "dlframe.nn.functional.pooling": (
            "avg_pool1d avg_pool2d avg_pool3d lp_pool1d lp_pool2d lp_pool3d max_pool1d "
            "max_pool1d_with_indices max_pool2d max_pool2d_with_indices max_pool3d "
            "max_pool3d_with_indices"
        ),
        "dlframe.nn.functional.sequences": "ctc_loss",
        "dlframe.nn.functional.unpooling": "max_unpool1d max_unpool2d max_unpool3d",
        "dlframe.tensor.functions.padding": "pad",
    },
    "dlframe.nn.top": {
        "dlframe.nn.top.layers": (
            "adaptive_avg_pool1d adaptive_max_pool1d affine_grid_generator avg_pool1d batch_norm "
            "bilinear channel_shuffle constant_pad_nd conv1d conv2d conv3d conv_tbc "
            "conv_transpose1d conv_transpose2d conv_transpose3d convolution grid_sampler "
            "grid_sampler_2d grid_sampler_3d group_norm gru gru_cell instance_norm layer_norm lstm "
            "lstm_cell max_pool1d max_pool1d_with_indices max_pool2d max_pool3d "
            "native_channel_shuffle pixel_shuffle pixel_unshuffle rms_norm rnn_relu rnn_relu_cell "
            "rnn_tanh rnn_tanh_cell"
        ),
        "dlframe.nn.top.losses": (
            "binary_cross_entropy_with_logits cosine_embedding_loss ctc_loss hinge_embedding_loss "
            "kl_div margin_ranking_loss poisson_nll_loss triplet_margin_loss"
        ),
        "dlframe.nn.top.native": (
            "native_batch_norm native_dropout native_group_norm native_layer_norm"
        ),
    },
    "dlframe.nn.utils": {
        "dlframe.nn.utils.": "parametrizations parametrize prune rnn stateless",
        "dlframe.nn.utils.clip_grad": (
            "clip_grad_norm clip_grad_norm_ clip_grad_value_ clip_grads_with_norm_ get_total_norm"
        ),
        "dlframe.nn.utils.convert_parameters": "parameters_to_vector vector_to_parameters",
        "dlframe.nn.utils.fusion": (
            "fuse_conv_bn_eval fuse_conv_bn_weights fuse_linear_bn_eval fuse_linear_bn_weights"
        ),
        "dlframe.nn.utils.init": "skip_init",
        "dlframe.nn.utils.memory_format": (
            "convert_conv2d_weight_memory_format convert_conv3d_weight_memory_format"
        ),
        "dlframe.nn.utils.spectral_norm": "remove_spectral_norm spectral_norm",
        "dlframe.nn.utils.weight_norm": "remove_weight_norm weight_norm",
    },
    "dlframe.ops": {
        "dlframe.ops.activation": (
            "celu elu gelu glu hardshrink hardsigmoid hardswish hardtanh leaky_relu log_sigmoid "
            "mish prelu relu selu silu softplus softshrink"
        ),
        "dlframe.ops.attention": "attention attention_weights",
        "dlframe.ops.bessel": (
            "airy_ai airy_ai_slope bessel_j0 bessel_j1 bessel_y0 bessel_y1 i0 i0e i1 i1e "
            "modified_bessel_k0 modified_bessel_k1 scaled_modified_bessel_k0 "
            "scaled_modified_bessel_k1 spherical_bessel_j0"
        ),
        "dlframe.ops.broadcast": "broadcast_to sum_to",
        "dlframe.ops.calculus": "diff pair_sums sampled_derivative trapezoid",
        "dlframe.ops.comparison": (
            "bitwise_and bitwise_not bitwise_or bitwise_xor equal gcd greater greater_equal "
            "isfinite isinf isnan isneginf isposinf lcm left_shift less less_equal logical_and "
            "logical_not logical_or logical_xor not_equal right_shift signbit"
        ),
        "dlframe.ops.contraction": "contract einsum",
        "dlframe.ops.ctc": "ctc_gradient ctc_loss",
        "dlframe.ops.decompositions": "cholesky eigh eigvalsh lu_factor lu_unpack qr svd svdvals",
        "dlframe.ops.distances": "cdist euclidean_distances pdist",
        "dlframe.ops.elementwise": (
            "abs absolute add clip contiguous copy copysign divide floor_divide fmax fmin fmod "
            "lerp maximum minimum multiply nan_to_num negative nextafter ordered positive power "
            "reciprocal remainder rsqrt sqrt square subtract trunc_divide where"
        ),
        "dlframe.ops.erf": "erf erfc erfcx erfinv log_ndtr ndtr ndtri",
        "dlframe.ops.exponential": (
            "entr exp exp2 expm1 log log10 log1p log2 logaddexp logaddexp2 logit sigmoid xlog1py "
            "xlogy"
        ),
        "dlframe.ops.extending": "collect extend",
        "dlframe.ops.folding": "col2im im2col",
        "dlframe.ops.gamma": "digamma igamma igammac lgamma polygamma zeta",
        "dlframe.ops.indexing": (
            "along along_within flat_places getitem nonzero number_for plain_index put_along_axis "
            "put_at replace_at set_item take take_along_axis take_at"
        ),
        "dlframe.ops.linalg": "addmm cross inner kron matmul multi_dot tensordot",
        "dlframe.ops.linear_cross_entropy": "linear_cross_entropy",
        "dlframe.ops.losses": (
            "binary_cross_entropy binary_cross_entropy_with_logits cross_entropy huber_loss "
            "l1_loss mse_loss nll_loss"
        ),
        "dlframe.ops.margins": (
            "hinge_loss multi_margin_loss multilabel_margin_loss soft_margin_loss"
        ),
        "dlframe.ops.matrix_functions": "det expm least_squares lu_solve matrix_power pinv slogdet",
        "dlframe.ops.networks": "add_rows linear log_softmax softmax take_rows",
        "dlframe.ops.normalization": "normalize",
        "dlframe.ops.norms": "cond matrix_norm vector_norm",
        "dlframe.ops.op": "cast elementwise op plain printed_as",
        "dlframe.ops.polynomials": (
            "chebyshev_polynomial_t chebyshev_polynomial_u chebyshev_polynomial_v "
            "chebyshev_polynomial_w hermite_polynomial_h hermite_polynomial_he "
            "laguerre_polynomial_l legendre_polynomial_p"
        ),
        "dlframe.ops.pooling": "max_pool max_within spread_windows sum_windows",
        "dlframe.ops.recurrent": "gru_layer lstm_layer rnn_layer",
        "dlframe.ops.reduction": (
            "all amax amin any argmax argmin count_nonzero logsumexp mean norm prod shared std sum "
            "var"
        ),
        "dlframe.ops.regions": "put_region replace_region take_region",
        "dlframe.ops.repeating": "meshgrid repeat",
        "dlframe.ops.resampling": "weigh",
        "dlframe.ops.sampling": "reflect sample_taps spread_taps weigh_taps",
        "dlframe.ops.scan": (
            "cummax_indices cummin_indices cumprod cumsum linear_scan logcumsumexp vander"
        ),
        "dlframe.ops.scatter": "scatter_extreme scatter_prod",
        "dlframe.ops.shape": (
            "atleast_1d atleast_2d atleast_3d concatenate diagonal expand_dims flip pad "
            "put_diagonal ravel reshape roll rot90 squeeze stack swapaxes tile transpose tril triu"
        ),
        "dlframe.ops.solvers": "cholesky_solve inv solve solve_triangular tensorinv tensorsolve",
        "dlframe.ops.sorting": (
            "argsort index_of_rank mode_index pick place places_along topk_indices unique"
        ),
        "dlframe.ops.splitting": "equal_cuts part_of split_at split_between unstack",
        "dlframe.ops.statistics": (
            "correlation count_present covariance degrees_of_freedom median nanmean quantiles "
            "without_nan"
        ),
        "dlframe.ops.steps": (
            "angle ceil floor frac frexp heaviside rint round_to sign trunc zeros_like"
        ),
        "dlframe.ops.strides": "as_strided sliding_windows",
        "dlframe.ops.trigonometric": (
            "arccos arccosh arcsin arcsinh arctan arctan2 arctanh cos cosh hypot sin sinc sinh tan "
            "tanh"
        ),
        "dlframe.ops.window": "convolution convolution_input convolution_weight",
    },
    "dlframe.optim": {
        "dlframe.optim.": "lr_scheduler regularization swa_utils",
        "dlframe.optim.adadelta": "Adadelta",
        "dlframe.optim.adafactor": "Adafactor",
        "dlframe.optim.adagrad": "Adagrad",
        "dlframe.optim.adam": "Adam",
        "dlframe.optim.adamax": "Adamax",
        "dlframe.optim.adamw": "AdamW",
        "dlframe.optim.asgd": "ASGD",
        "dlframe.optim.lbfgs": "LBFGS",
        "dlframe.optim.muon": "Muon",
        "dlframe.optim.nadam": "NAdam",
        "dlframe.optim.optimizer": "Optimizer",
        "dlframe.optim.radam": "RAdam",
        "dlframe.optim.regularization.constraints": (
            "Bounds Constraint MaxNorm NonNegative UnitNorm"
        ),
        "dlframe.optim.regularization.decay": "WeightDecay",
        "dlframe.optim.regularization.gradients": "ClipGradNorm ClipGradValue GradientNoise",
        "dlframe.optim.regularization.penalties": (
            "Elastic L1 L2 LabelSmoothing OutputPenalty Penalty"
        ),
        "dlframe.optim.regularization.regularizer": "Regularizer StepHook",
        "dlframe.optim.regularization.sam": "SAM",
        "dlframe.optim.regularization.selection": "decay_groups weights",
        "dlframe.optim.rmsprop": "RMSprop",
        "dlframe.optim.rprop": "Rprop",
        "dlframe.optim.scipy": "SciPy least_squares",
        "dlframe.optim.sgd": "SGD",
        "dlframe.optim.sparse_adam": "SparseAdam",
    },
    "dlframe.optim.lr_scheduler": {
        "dlframe.optim.lr_scheduler.cyclic": "CosineAnnealingWarmRestarts CyclicLR OneCycleLR",
        "dlframe.optim.lr_scheduler.functions": "LambdaLR MultiplicativeLR",
        "dlframe.optim.lr_scheduler.plateau": "ReduceLROnPlateau",
        "dlframe.optim.lr_scheduler.scheduler": "LRScheduler",
        "dlframe.optim.lr_scheduler.schedules": (
            "ConstantLR CosineAnnealingLR ExponentialLR LinearLR MultiStepLR PolynomialLR StepLR"
        ),
        "dlframe.optim.lr_scheduler.sequential": "ChainedScheduler SequentialLR",
    },
    "dlframe.optim.regularization": {
        "dlframe.optim.regularization.constraints": (
            "Bounds Constraint MaxNorm NonNegative UnitNorm"
        ),
        "dlframe.optim.regularization.decay": "WeightDecay",
        "dlframe.optim.regularization.gradients": "ClipGradNorm ClipGradValue GradientNoise",
        "dlframe.optim.regularization.penalties": (
            "Elastic L1 L2 LabelSmoothing OutputPenalty Penalty"
        ),
        "dlframe.optim.regularization.regularizer": "Regularizer StepHook",
        "dlframe.optim.regularization.sam": "SAM",
        "dlframe.optim.regularization.selection": "decay_groups weights",
    },
    "dlframe.porting": {
        "dlframe.porting.hook": "install_torch is_installed uninstall_torch",
    },
    "dlframe.random": {
        "dlframe.random.default": (
            "default_generator fork_rng get_rng_state initial_seed manual_seed or_default seed "
            "set_rng_state"
        ),
        "dlframe.random.generator": "Generator",
        "dlframe.random.samples": "sample_rng",
    },
    "dlframe.special": {
        "dlframe.tensor.special.bessel": (
            "airy_ai bessel_j0 bessel_j1 bessel_y0 bessel_y1 i0 i0e i1 i1e modified_bessel_i0 "
            "modified_bessel_i1 modified_bessel_k0 modified_bessel_k1 scaled_modified_bessel_k0 "
            "scaled_modified_bessel_k1 spherical_bessel_j0"
        ),
        "dlframe.tensor.special.elementary": (
            "exp2 expit expm1 log1p log_softmax logit logsumexp round sinc softmax xlog1py xlogy"
        ),
        "dlframe.tensor.special.gamma": (
            "digamma gammainc gammaincc gammaln multigammaln polygamma psi zeta"
        ),
        "dlframe.tensor.special.normal": "entr erf erfc erfcx erfinv log_ndtr ndtr ndtri",
        "dlframe.tensor.special.polynomials": (
            "chebyshev_polynomial_t chebyshev_polynomial_u chebyshev_polynomial_v "
            "chebyshev_polynomial_w hermite_polynomial_h hermite_polynomial_he "
            "laguerre_polynomial_l legendre_polynomial_p shifted_chebyshev_polynomial_t "
            "shifted_chebyshev_polynomial_u shifted_chebyshev_polynomial_v "
            "shifted_chebyshev_polynomial_w"
        ),
    },
    "dlframe.study": {
        "dlframe.study.": "statistics",
        "dlframe.study.design": "Random",
        "dlframe.study.explanation": "Explanation Part",
        "dlframe.study.results": "Results Row",
        "dlframe.study.seeds": "Seeds",
        "dlframe.study.study": "Study",
    },
    "dlframe.tensor.creation": {
        "dlframe.tensor.creation.constants": (
            "empty empty_permuted empty_strided eye full ones tril_indices triu_indices zeros"
        ),
        "dlframe.tensor.creation.data": (
            "as_tensor asarray from_dlpack from_numpy frombuffer scalar_tensor tensor"
        ),
        "dlframe.tensor.creation.like": (
            "empty_like full_like ones_like rand_like randint_like randn_like zeros_like"
        ),
        "dlframe.tensor.creation.ranges": "arange linspace logspace range",
        "dlframe.tensor.creation.sampling": (
            "bernoulli binomial multinomial normal poisson rand randint randn randperm"
        ),
        "dlframe.tensor.creation.windows": (
            "bartlett_window blackman_window hamming_window hann_window kaiser_window"
        ),
    },
    "dlframe.tensor.functions": {
        "dlframe.tensor.functions.activation": (
            "celu celu_ hardshrink prelu relu relu_ rrelu rrelu_ selu selu_ threshold threshold_"
        ),
        "dlframe.tensor.functions.arithmetic": (
            "abs abs_ absolute add addcdiv addcmul clone copysign div divide float_power "
            "floor_divide fmod hypot ldexp ldexp_ lerp mul multiply neg neg_ negative negative_ "
            "nextafter positive pow reciprocal reciprocal_ remainder rsqrt rsqrt_ rsub sqrt sqrt_ "
            "square square_ sub subtract true_divide"
        ),
        "dlframe.tensor.functions.axes": (
            "adjoint moveaxis movedim permute swapaxes swapdims t transpose"
        ),
        "dlframe.tensor.functions.calculus": "cumulative_trapezoid diff gradient trapezoid trapz",
        "dlframe.tensor.functions.clamping": (
            "clamp clamp_ clamp_max clamp_max_ clamp_min clamp_min_ clip clip_ fmax fmin maximum "
            "minimum nan_to_num nan_to_num_ where"
        ),
        "dlframe.tensor.functions.comparison": (
            "allclose bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift "
            "bitwise_xor eq equal gcd gcd_ ge greater greater_equal gt is_floating_point "
            "is_nonzero is_tensor isclose isfinite isinf isnan isneginf isposinf isreal lcm lcm_ "
            "le less less_equal logical_and logical_not logical_or logical_xor lt ne not_equal "
            "signbit"
        ),
        "dlframe.tensor.functions.contraction": "chain_matmul einsum tensordot",
        "dlframe.tensor.functions.copies": (
            "alias_copy as_strided_copy detach_copy diagonal_copy expand_copy permute_copy "
            "select_copy slice_copy split_copy split_with_sizes_copy squeeze_copy t_copy "
            "transpose_copy unbind_copy unfold_copy unsqueeze_copy view_copy"
        ),
        "dlframe.tensor.functions.counting": "bincount unique unique_consecutive",
        "dlframe.tensor.functions.diagonals": "diag diag_embed diagflat diagonal tril triu",
        "dlframe.tensor.functions.distances": "cosine_similarity pairwise_distance pdist",
        "dlframe.tensor.functions.dropout": (
            "alpha_dropout alpha_dropout_ dropout dropout_ feature_alpha_dropout "
            "feature_alpha_dropout_ feature_dropout feature_dropout_"
        ),
        "dlframe.tensor.functions.embedding": "embedding embedding_bag embedding_renorm_",
        "dlframe.tensor.functions.exponential": (
            "exp exp2 exp2_ exp_ expm1 expm1_ log log10 log10_ log1p log1p_ log2 log2_ log_ "
            "logaddexp logaddexp2 logit logit_ sigmoid sigmoid_ xlogy xlogy_"
        ),
        "dlframe.tensor.functions.extremes": "amax amin aminmax argmax argmin max min",
        "dlframe.tensor.functions.factors": "geqrf lu orgqr ormqr pca_lowrank svd_lowrank",
        "dlframe.tensor.functions.filling": "fill",
        "dlframe.tensor.functions.histograms": "histc histogram histogramdd",
        "dlframe.tensor.functions.indexing": "gather index_select take take_along_dim",
        "dlframe.tensor.functions.joining": (
            "block_diag cartesian_prod cat column_stack combinations concat concatenate dstack "
            "hstack meshgrid row_stack stack vstack"
        ),
        "dlframe.tensor.functions.masking": "masked_fill masked_scatter masked_select",
        "dlframe.tensor.functions.matrices": (
            "cholesky cholesky_inverse cholesky_solve det inverse logdet lu_solve lu_unpack "
            "matrix_exp matrix_power pinverse qr slogdet svd triangular_solve vander"
        ),
        "dlframe.tensor.functions.norms": (
            "cdist dist frobenius_norm norm norm_except_dim nuclear_norm renorm"
        ),
        "dlframe.tensor.functions.products": (
            "addbmm addmm addmv addmv_ addr baddbmm bmm cross dot ger inner kron matmul mm mv "
            "outer vdot"
        ),
        "dlframe.tensor.functions.properties": (
            "conj conj_physical conj_physical_ detach detach_ fill_ get_device imag is_complex "
            "is_conj is_inference is_neg is_same_size is_signed real resize_as_ resolve_conj "
            "resolve_neg zero_"
        ),
        "dlframe.tensor.functions.reduction": (
            "all any count_nonzero log_softmax logsumexp mean nanmean nansum prod softmax std "
            "std_mean sum trace var var_mean"
        ),
        "dlframe.tensor.functions.removed": "eig lstsq matrix_rank solve symeig",
        "dlframe.tensor.functions.repeating": (
            "flip fliplr flipud repeat_interleave roll rot90 tile"
        ),
        "dlframe.tensor.functions.reshaping": (
            "atleast_1d atleast_2d atleast_3d broadcast_shapes broadcast_tensors broadcast_to "
            "flatten numel ravel reshape squeeze unflatten unsqueeze"
        ),
        "dlframe.tensor.functions.scan": "cummax cummin cumprod cumsum logcumsumexp",
        "dlframe.tensor.functions.scattering": (
            "index_add index_copy index_fill index_put index_put_ index_reduce put scatter "
            "scatter_add scatter_reduce"
        ),
        "dlframe.tensor.functions.searching": (
            "argwhere bucketize isin nonzero nonzero_static searchsorted unravel_index"
        ),
        "dlframe.tensor.functions.segments": "segment_reduce",
        "dlframe.tensor.functions.sorting": (
            "argsort kthvalue median mode msort nanmedian sort topk"
        ),
        "dlframe.tensor.functions.special": (
            "digamma erf erf_ erfc erfc_ erfinv i0 i0_ igamma igammac lgamma mvlgamma polygamma"
        ),
        "dlframe.tensor.functions.splitting": (
            "chunk dsplit hsplit narrow narrow_copy select split split_with_sizes tensor_split "
            "unbind unsafe_chunk unsafe_split unsafe_split_with_sizes vsplit"
        ),
        "dlframe.tensor.functions.statistics": "corrcoef cov nanquantile quantile",
        "dlframe.tensor.functions.steps": (
            "ceil ceil_ fix fix_ floor floor_ frac frac_ frexp heaviside round round_ sgn sign "
            "trunc trunc_"
        ),
        "dlframe.tensor.functions.trigonometric": (
            "acos acos_ acosh acosh_ angle arccos arccos_ arccosh arccosh_ arcsin arcsin_ arcsinh "
            "arcsinh_ arctan arctan2 arctan_ arctanh arctanh_ asin asin_ asinh asinh_ atan atan2 "
            "atan_ atanh atanh_ cos cos_ cosh cosh_ deg2rad deg2rad_ rad2deg rad2deg_ sin sin_ "
            "sinc sinc_ sinh sinh_ tan tan_ tanh tanh_"
        ),
        "dlframe.tensor.functions.views": (
            "as_strided as_strided_scatter diagonal_scatter select_scatter slice_scatter"
        ),
    },
    "dlframe.tensor.linalg": {
        "dlframe.errors": "LinAlgError",
        "dlframe.tensor.linalg.decompositions": (
            "cholesky cholesky_ex eigh eigvalsh householder_product ldl_factor ldl_factor_ex lu "
            "lu_factor lu_factor_ex qr svd svdvals"
        ),
        "dlframe.tensor.linalg.norms": "cond matrix_norm matrix_rank norm vector_norm",
        "dlframe.tensor.linalg.products": (
            "cross diagonal matmul matrix_exp matrix_power multi_dot vander vecdot"
        ),
        "dlframe.tensor.linalg.solvers": (
            "det inv inv_ex ldl_solve lstsq lu_solve pinv slogdet solve solve_ex solve_triangular "
            "tensorinv tensorsolve"
        ),
    },
    "dlframe.tensor.special": {
        "dlframe.tensor.special.bessel": (
            "airy_ai bessel_j0 bessel_j1 bessel_y0 bessel_y1 i0 i0e i1 i1e modified_bessel_i0 "
            "modified_bessel_i1 modified_bessel_k0 modified_bessel_k1 scaled_modified_bessel_k0 "
            "scaled_modified_bessel_k1 spherical_bessel_j0"
        ),
        "dlframe.tensor.special.elementary": (
            "exp2 expit expm1 log1p log_softmax logit logsumexp round sinc softmax xlog1py xlogy"
        ),
        "dlframe.tensor.special.gamma": (
            "digamma gammainc gammaincc gammaln multigammaln polygamma psi zeta"
        ),
        "dlframe.tensor.special.normal": "entr erf erfc erfcx erfinv log_ndtr ndtr ndtri",
        "dlframe.tensor.special.polynomials": (
            "chebyshev_polynomial_t chebyshev_polynomial_u chebyshev_polynomial_v "
            "chebyshev_polynomial_w hermite_polynomial_h hermite_polynomial_he "
            "laguerre_polynomial_l legendre_polynomial_p shifted_chebyshev_polynomial_t "
            "shifted_chebyshev_polynomial_u shifted_chebyshev_polynomial_v "
            "shifted_chebyshev_polynomial_w"
        ),
    },
    "dlframe.training": {
        "dlframe.training.callbacks.aim_logger": "AimLogger",
        "dlframe.training.callbacks.averaging": "EMAWeightAveraging WeightAveraging",
        "dlframe.training.callbacks.callback": "Callback LambdaCallback",
        "dlframe.training.callbacks.checkpoint": "ModelCheckpoint",
        "dlframe.training.callbacks.experiments": "ExperimentLogger",
        "dlframe.training.callbacks.freezing": "Freeze",
        "dlframe.training.callbacks.layers": "LayerLog read_layers",
        "dlframe.training.callbacks.loggers": "CSVLogger JSONLogger StepLog",
        "dlframe.training.callbacks.mlflow_logger": "MLflowLogger",
        "dlframe.training.callbacks.norms": "NormLog",
        "dlframe.training.callbacks.progress": "ProgressBar",
        "dlframe.training.callbacks.rates": "LearningRateScheduler",
        "dlframe.training.callbacks.snapshots": "Snapshots",
        "dlframe.training.callbacks.stopping": "EarlyStopping TerminateOnNaN",
        "dlframe.training.callbacks.tensorboard": "TensorBoard",
        "dlframe.training.callbacks.wandb_logger": "WandbLogger",
        "dlframe.training.data.batches": "NonFiniteLossError",
        "dlframe.training.distributions": "Course",
        "dlframe.training.doctor.checking": "check",
        "dlframe.training.doctor.report": "CheckFailedError Finding Report",
        "dlframe.training.evaluator": "Evaluator",
        "dlframe.training.history": "History",
        "dlframe.training.initializing": "initialize",
        "dlframe.training.rate_range": "RateRange lr_range_test",
        "dlframe.training.reading": "read_history",
        "dlframe.training.trainer": "Trainer",
    },
    "dlframe.training.doctor": {
        "dlframe.training.doctor.checking": "check",
        "dlframe.training.doctor.environment": "check_environment",
        "dlframe.training.doctor.report": "CheckFailedError Finding Report",
        "dlframe.training.doctor.table": "CHECKS Check",
    },
    "dlframe.utils": {
        "dlframe.utils.": "_pytree data dlpack safetensors tensorboard",
        "dlframe.utils.atomic": "atomic_write",
        "dlframe.utils.checkpoint": "load_checkpoint mismatches save_checkpoint",
        "dlframe.utils.files": "load save",
        "dlframe.utils.hdf5": "inspect",
        "dlframe.utils.summary": "Summary summary",
    },
    "dlframe.utils.data": {
        "dlframe.data.collate": "default_collate default_convert",
        "dlframe.data.dataset": (
            "ChainDataset ConcatDataset Dataset IterableDataset StackDataset Subset TensorDataset "
            "random_split"
        ),
        "dlframe.data.fetch": "get_worker_info",
        "dlframe.data.loader": "DataLoader",
        "dlframe.data.sampler": (
            "BatchSampler DistributedSampler RandomSampler Sampler SequentialSampler "
            "SubsetRandomSampler WeightedRandomSampler"
        ),
        "dlframe.utils.data.": "_utils dataloader datapipes dataset distributed sampler",
        "dlframe.utils.data.datapipes": (
            "DFIterDataPipe DataChunk IterDataPipe MapDataPipe argument_validation "
            "functional_datapipe guaranteed_datapipes_determinism non_deterministic "
            "runtime_validation runtime_validation_disabled"
        ),
    },
    "dlframe.utils.data._utils": {
        "dlframe.utils.data._utils.": "collate worker",
    },
    "dlframe.utils.tensorboard": {
        "dlframe.utils.tensorboard.writer": "FileWriter SummaryWriter",
    },
    "dlframe.vision": {
        "dlframe.data.": "datasets transforms",
        "dlframe.vision.": "utils",
    },
    "dlframe.viz": {
        "dlframe.viz.": "surfaces",
        "dlframe.viz.architecture": "architecture",
        "dlframe.viz.attention": "Attention AttentionMap attention",
        "dlframe.viz.attribution": "Attribution feature_maps grad_cam occlusion saliency",
        "dlframe.viz.boundaries": "decision_boundary",
        "dlframe.viz.classes": "class_balance class_scores",
        "dlframe.viz.classifiers": "calibration det precision_recall roc thresholds",
        "dlframe.viz.compare": "compare outcomes",
        "dlframe.viz.curves": "curves",
        "dlframe.viz.distributions": "histogram_course histograms quantile_course",
        "dlframe.viz.embedding": "Embedding embedding",
        "dlframe.viz.flow": "activation_course gradient_flow update_ratios",
        "dlframe.viz.graph": "graph",
        "dlframe.viz.grids": "filters_grid mistakes_grid sample_grid",
        "dlframe.viz.landscape": "Landscape landscape principal_directions random_directions",
        "dlframe.viz.matrix": "confusion",
        "dlframe.viz.playground.opening": "Playground playground",
        "dlframe.viz.rate_range": "rate_range",
        "dlframe.viz.reports.callback": "ReportWriter",
        "dlframe.viz.reports.report": "Report report",
        "dlframe.viz.residuals": "residuals",
        "dlframe.viz.schedules": "schedules",
        "dlframe.viz.style": "house_style save",
        "dlframe.viz.tracker": "Tracker",
        "dlframe.viz.trajectories": "Trajectories trajectories",
        "dlframe.viz.watch.watching": "Watching watch",
    },
    "dlframe.viz.playground": {
        "dlframe.viz.playground.program": "program",
        "dlframe.viz.playground.session": "Session",
        "dlframe.viz.playground.settings": "Settings",
    },
}
