"""How the demo's two models were trained: `make demo-models` (python -m fo_pose_plugin.demo.training).

The bundled weights saw fewer crops than the command's default gives: of 9,000 drawn ones (and before them
some others, whose fingers bent the wrong way) demo-body saw 46,000 in all and demo-wholebody 37,000, with
interruptions at which the learning rate was planned anew. So the command gives other weights.
"""
