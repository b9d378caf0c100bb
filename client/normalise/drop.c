#include "client/normalise/normalise.h"

const char *
ov_drop_text(enum ov_drop why)
{
	static const char *const text[OV_DROP_COUNT] = {
		[OV_DROP_NONE] = "the value is used",
		[OV_DROP_EMPTY] =
		    "nothing is left of the value but spaces and punctuation",
		[OV_DROP_CONTROL] = "the value holds a control character",
		[OV_DROP_ENCODING] = "the value is not valid UTF-8 text",
		[OV_DROP_TOO_LONG] = "the value is too long to be what its column says",
		[OV_DROP_MALFORMED] =
		    "the value does not have the form its column asks for",
		[OV_DROP_IP_LITERAL] = "a bare internet address does not name a company",
		[OV_DROP_UNKNOWN_TLD] =
		    "the domain ends in something that is no top-level domain",
		[OV_DROP_PUBLIC_SUFFIX] =
		    "the domain is an ending under which anybody can register a name",
		[OV_DROP_SHARED_HOST] =
		    "the address is on a site that many companies share, so it does not "
		    "name this one",
		[OV_DROP_FREE_MAIL] =
		    "the domain is that of a free-mail provider, so it does not name the "
		    "company",
		[OV_DROP_BAD_CHECKSUM] = "the check digits of the number do not fit",
		[OV_DROP_PLACEHOLDER] = "the value is a filler, such as n/a or 000000000",
		[OV_DROP_NO_COUNTRY] = "the account has no country: its name alone is a "
				       "key only where the terms allow it",
		[OV_DROP_UNKNOWN_COUNTRY] = "the country is not one of ISO 3166",
		[OV_DROP_NO_EXCHANGE] =
		    "a ticker without its exchange is several companies': add the column "
		    "with the exchange, or write NYSE:IBM",
		[OV_DROP_UNKNOWN_EXCHANGE] = "the exchange of the ticker is not known: "
					     "write its code of ISO 10383 "
					     "(MIC), such as XNYS",
		[OV_DROP_COMMON_NAME] =
		    "too many are called so for the name to be a key; `overlap accounts "
		    "alias` makes it one",
		[OV_DROP_NOT_IN_PROFILE] = "these rules make no key of such identifiers",
	};
	unsigned int i = (unsigned int)why;

	return i < OV_DROP_COUNT ? text[i] : "the value is dropped";
}
