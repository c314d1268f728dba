"""How much to buy.

>>> from alphapulse_types import PercentageFixedPoint4, UsdFixedPoint8
>>> str(order_size(UsdFixedPoint8.of("1000"), PercentageFixedPoint4(250)))
'25.00000000'
"""

from alphapulse_types import PercentageFixedPoint4, UsdFixedPoint8


def order_size(cash: UsdFixedPoint8, share: PercentageFixedPoint4) -> UsdFixedPoint8:
    """The share of the cash, rounded down.

    >>> import alphapulse_types.fixed_point as fp
    >>> cash = fp.UsdFixedPoint8.of("2")
    >>> for share in (
    ...     fp.PercentageFixedPoint4(0), fp.PercentageFixedPoint4(5_000)):
    ...     print(order_size(cash, share))
    0.00000000
    1.00000000
    """
    return share.of_amount(cash)
