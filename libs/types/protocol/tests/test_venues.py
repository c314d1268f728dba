"""The numbers of venues and asset types are part of the wire format: written out once more, none may move."""

import pytest

from libs.types.protocol import AssetType, VenueId

VENUES = {
    0: "GENERIC",
    1: "NYSE NASDAQ LSE TSE HKEX",
    100: "BINANCE KRAKEN COINBASE HUOBI OKEX FTX BYBIT KUCOIN GEMINI",
    200: "ETHEREUM BITCOIN POLYGON BINANCE_SMART_CHAIN AVALANCHE FANTOM",
    206: "ARBITRUM OPTIMISM SOLANA CARDANO POLKADOT COSMOS",
    300: "UNISWAP_V2 UNISWAP_V3 SUSHISWAP CURVE BALANCER AAVE COMPOUND MAKERDAO YEARN SYNTHETIX DYDX",
    400: "QUICKSWAP SUSHISWAP_POLYGON CURVE_POLYGON AAVE_POLYGON BALANCER_POLYGON",
    500: "PANCAKESWAP VENUS_PROTOCOL",
    600: "UNISWAP_V3_ARBITRUM SUSHISWAP_ARBITRUM CURVE_ARBITRUM",
    700: "DERIBIT BYBIT_DERIVATIVES OPYN_PROTOCOL HEGIC",
    800: "COMEX CME ICE FOREX_COM",
    65000: "TEST_VENUE MOCK_EXCHANGE",
}
ASSETS = {
    1: "STOCK BOND ETF COMMODITY CURRENCY INDEX",
    50: "TOKEN COIN NFT STABLE_COIN WRAPPED_TOKEN",
    100: "POOL LP_TOKEN YIELD_TOKEN SYNTHETIC_ASSET DERIVATIVE_TOKEN GOVERNANCE_TOKEN",
    150: "OPTION FUTURE SWAP FORWARD CDS",
    200: "STRUCTURED_NOTE CONVERTIBLE_BOND",
    250: "TEST_ASSET MOCK_ASSET",
}


def numbered(table: dict[int, str]) -> dict[str, int]:
    """Names in a row have numbers in a row."""
    return {name: first + at for first, names in table.items() for at, name in enumerate(names.split())}


def test_numbers() -> None:
    assert {member.name: member.value for member in VenueId} == numbered(VENUES)
    assert {member.name: member.value for member in AssetType} == numbered(ASSETS)
    assert max(VenueId) < 2**16 and max(AssetType) < 2**8


@pytest.mark.parametrize(
    ("venue", "chain"),
    [
        (VenueId.ETHEREUM, 1),
        (VenueId.UNISWAP_V2, 1),
        (VenueId.DYDX, 1),
        (VenueId.POLYGON, 137),
        (VenueId.QUICKSWAP, 137),
        (VenueId.BALANCER_POLYGON, 137),
        (VenueId.BINANCE_SMART_CHAIN, 56),
        (VenueId.PANCAKESWAP, 56),
        (VenueId.ARBITRUM, 42161),
        (VenueId.CURVE_ARBITRUM, 42161),
        (VenueId.OPTIMISM, 10),
        (VenueId.AVALANCHE, 43114),
        (VenueId.FANTOM, 250),
        (VenueId.GENERIC, None),
        (VenueId.NASDAQ, None),
        (VenueId.BINANCE, None),
        (VenueId.BITCOIN, None),
        (VenueId.SOLANA, None),
        (VenueId.DERIBIT, None),
        (VenueId.TEST_VENUE, None),
    ],
)
def test_chain_ids(venue: VenueId, chain: int | None) -> None:
    assert venue.chain_id == chain
