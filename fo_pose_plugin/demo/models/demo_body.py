# ruff: noqa: C408 - written as MMPose writes its configs
"""The demo's small model: body, 17 keypoints, trained on drawn people alone. An MMPose config."""

# UDP, so that the flip test needs no shift; input sides divisible by 32.
codec = dict(type="UDPHeatmap", input_size=(160, 192), heatmap_size=(40, 48), sigma=2)

model = dict(
    type="TopdownPoseEstimator",
    data_preprocessor=dict(
        type="PoseDataPreprocessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
    ),
    # HRNet with half of its least width and a quarter of its blocks: 0.7 million parameters.
    backbone=dict(
        type="HRNet",
        in_channels=3,
        extra=dict(
            stage1=dict(num_modules=1, num_branches=1, block="BASIC", num_blocks=(1,), num_channels=(16,)),
            stage2=dict(
                num_modules=1, num_branches=2, block="BASIC", num_blocks=(1, 1), num_channels=(16, 32)
            ),
            stage3=dict(
                num_modules=1, num_branches=3, block="BASIC", num_blocks=(1, 1, 1), num_channels=(16, 32, 64)
            ),
            stage4=dict(
                num_modules=1,
                num_branches=4,
                block="BASIC",
                num_blocks=(1, 1, 1, 1),
                num_channels=(16, 32, 64, 128),
            ),
        ),
    ),
    head=dict(
        type="HeatmapHead",
        in_channels=16,
        out_channels=17,
        deconv_out_channels=None,
        loss=dict(type="KeypointMSELoss", use_target_weight=True),
        decoder=codec,
    ),
    test_cfg=dict(flip_test=True, flip_mode="heatmap", shift_heatmap=False),
)

train_pipeline = [
    dict(type="GetBBoxCenterScale"),
    dict(type="RandomFlip", direction="horizontal"),
    dict(
        type="RandomBBoxTransform",
        shift_factor=0.06,
        scale_factor=(0.8, 1.2),
        rotate_factor=30.0,
        rotate_prob=0.4,
    ),
    dict(type="TopdownAffine", input_size=codec["input_size"], use_udp=True),
    dict(type="GenerateTarget", encoder=codec),
    dict(type="PackPoseInputs"),
]
val_pipeline = [
    dict(type="LoadImage"),
    dict(type="GetBBoxCenterScale"),
    dict(type="TopdownAffine", input_size=codec["input_size"], use_udp=True),
    dict(type="PackPoseInputs"),
]
test_dataloader = dict(dataset=dict(type="CocoDataset", data_mode="topdown", pipeline=val_pipeline))
