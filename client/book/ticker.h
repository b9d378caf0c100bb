/* ticker.h - the listings that a cell of tickers holds.
 *
 * People write several into one: "NYSE: ABC; LSE: ABCL", "NASDAQ:GOOGL/GOOG".  They are
 * parted by ; , | / or "and", or by the exchange of the next one.  A symbol without an
 * exchange of its own has the one before it only where both symbols begin alike, as
 * classes of one company's shares do: else it may be of another market, where it is
 * another company's.
 */
#ifndef OV_CLIENT_BOOK_TICKER_H
#define OV_CLIENT_BOOK_TICKER_H

#include "common/crypto/hash.h"
#include "common/status.h"

/* exchange: as it is written, empty if there is none; symbol: with the class of share
 * ("BRK/B"), never empty.  Both borrowed. */
typedef enum ov_status ov_listing_fn(
    void *ctx, struct ov_bytes exchange, struct ov_bytes symbol);

/* exchange: the cell beside that of the ticker, or empty; it has one for all symbols, or
 * as many as there are.  Stops at the first failure of fn and returns it. */
OV_MUST_CHECK enum ov_status ov_ticker_each(
    struct ov_bytes ticker, struct ov_bytes exchange, ov_listing_fn *fn, void *ctx);

#endif /* OV_CLIENT_BOOK_TICKER_H */
