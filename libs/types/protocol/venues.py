"""Where an instrument trades and what kind it is: the numbers of an instrument id.

Owns `VenueId` (u16) and `AssetType` (u8) and which chain a venue lives on.  Must not know how an id is packed, nor any
connection to a venue.  A number without a name is no error on the wire: readers keep it as an int.

Venues come in hundreds: exchanges by 1 and 100, chains 200, protocols on Ethereum 300, Polygon 400, BNB Smart Chain 500
and Arbitrum 600, derivatives 700, commodities and currencies 800, tests from 65000.
"""

from enum import IntEnum, unique


@unique
class VenueId(IntEnum):
    """A place where instruments trade or exist; bytes 8 and 9 of an instrument id."""

    GENERIC = 0

    NYSE = 1
    NASDAQ = 2
    LSE = 3
    TSE = 4
    HKEX = 5

    BINANCE = 100
    KRAKEN = 101
    COINBASE = 102
    HUOBI = 103
    OKEX = 104
    FTX = 105
    BYBIT = 106
    KUCOIN = 107
    GEMINI = 108

    ETHEREUM = 200
    BITCOIN = 201
    POLYGON = 202
    BINANCE_SMART_CHAIN = 203
    AVALANCHE = 204
    FANTOM = 205
    ARBITRUM = 206
    OPTIMISM = 207
    SOLANA = 208
    CARDANO = 209
    POLKADOT = 210
    COSMOS = 211

    UNISWAP_V2 = 300
    UNISWAP_V3 = 301
    SUSHISWAP = 302
    CURVE = 303
    BALANCER = 304
    AAVE = 305
    COMPOUND = 306
    MAKERDAO = 307
    YEARN = 308
    SYNTHETIX = 309
    DYDX = 310

    QUICKSWAP = 400
    SUSHISWAP_POLYGON = 401
    CURVE_POLYGON = 402
    AAVE_POLYGON = 403
    BALANCER_POLYGON = 404

    PANCAKESWAP = 500
    VENUS_PROTOCOL = 501

    UNISWAP_V3_ARBITRUM = 600
    SUSHISWAP_ARBITRUM = 601
    CURVE_ARBITRUM = 602

    DERIBIT = 700
    BYBIT_DERIVATIVES = 701
    OPYN_PROTOCOL = 702
    HEGIC = 703

    COMEX = 800
    CME = 801
    ICE = 802
    FOREX_COM = 803

    TEST_VENUE = 65000
    MOCK_EXCHANGE = 65001

    @property
    def chain_id(self) -> int | None:
        """The EIP-155 number of the chain that the venue is or runs on; None where there is none."""
        return _CHAINS.get(self.value) or _CHAIN_OF_HUNDRED.get(self.value // 100)


_CHAINS = {200: 1, 202: 137, 203: 56, 204: 43114, 205: 250, 206: 42161, 207: 10}
_CHAIN_OF_HUNDRED = {3: 1, 4: 137, 5: 56, 6: 42161}


@unique
class AssetType(IntEnum):
    """What an instrument is; byte 10 of an instrument id."""

    STOCK = 1
    BOND = 2
    ETF = 3
    COMMODITY = 4
    CURRENCY = 5
    INDEX = 6

    TOKEN = 50
    COIN = 51
    NFT = 52
    STABLE_COIN = 53
    WRAPPED_TOKEN = 54

    POOL = 100
    LP_TOKEN = 101
    YIELD_TOKEN = 102
    SYNTHETIC_ASSET = 103
    DERIVATIVE_TOKEN = 104
    GOVERNANCE_TOKEN = 105

    OPTION = 150
    FUTURE = 151
    SWAP = 152
    FORWARD = 153
    CDS = 154

    STRUCTURED_NOTE = 200
    CONVERTIBLE_BOND = 201

    TEST_ASSET = 250
    MOCK_ASSET = 251
