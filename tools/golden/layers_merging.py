"""Cases of the merging layers: see layers.py."""

from layers_cases import case, draw, keras, np

L = keras.layers


def merging():
    ties = [
        np.array([[0.0, 1.0, -1.0, 2.0]], np.float32),
        np.array([[0.0, 1.0, 3.0, -2.0]], np.float32),
        np.array([[0.0, 0.5, 3.0, 2.0]], np.float32),
    ]
    three = ((2, 3), (2, 3), (2, 3))
    found = []
    for make in (L.Add, L.Multiply, L.Average, L.Maximum, L.Minimum):
        found.append(case(make(), *three))
        found.append(case(make(), (2, 3, 4), (2, 1, 4), note="an axis of size 1"))
        found.append(case(make(), (2, 4), (2, 3, 4), note="fewer axes"))
        found.append(case(make(), (2, 3), many=True, note="one input"))
    found += [
        case(L.Maximum(), *ties, note="equal numbers share the gradient"),
        case(L.Minimum(), *ties, note="equal numbers share the gradient"),
        case(L.Add(activity_regularizer="l2"), *three),
        case(L.Subtract(), (2, 3), (2, 3)),
        case(L.Subtract(), (2, 3, 1), (2, 4), note="fewer axes"),
        case(L.Concatenate(), (2, 3), (2, 1), (2, 4)),
        case(L.Concatenate(), (2, 3), many=True, note="one input"),
        case(L.Concatenate(axis=1), (2, 3, 2), (2, 1, 2)),
        case(L.Concatenate(axis=-2), (2, 3, 2), (2, 2, 2)),
        case(L.Dot(axes=1), (2, 3), (2, 3)),
        case(L.Dot(axes=-1, normalize=True), (2, 3), (2, 3)),
        case(L.Dot(axes=(1, 2)), (2, 3, 4), (2, 5, 3)),
        case(L.Dot(axes=(2, 1), normalize=True), (2, 2, 3), (2, 3, 4)),
        case(L.Dot(axes=(-1, 1)), (2, 3), (2, 3, 4)),
        case(L.Dot(axes=(2, 1)), (2, 4, 3), (2, 3)),
        case(L.Dot(axes=2), (2, 3, 4), (2, 2, 4)),
        case(L.Dot(axes=(2, 3)), (2, 2, 3, 4), (2, 2, 2, 3)),
        case(L.Dot(axes=1), (2, 1), (2, 1), note="size 1"),
    ]
    return found
