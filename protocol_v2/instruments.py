"""InstrumentId: 12 packed bytes that name what is traded and where."""

from .schema import U8, U16, U64, Struct


class InstrumentId(Struct, packed=True):
    """An instrument: asset, venue, type of asset."""

    asset_id: U64
    venue: U16
    asset_type: U8
    reserved: U8 = 0
