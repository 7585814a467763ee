// SPDX-License-Identifier: Apache-2.0
#include "sim/page/page.h"

#include "sim/base/error.h"

namespace tilemesh::page {

void check_available(std::string_view option, std::string_view embedded) {
    if (embedded.empty())
        fail<InputError>(
            "{}: this tilemesh was built where its chart library was not installed; install Debian's libjs-vega "
            "(tools/setup does) and build it again",
            option);
}

std::string html(const Json& data, std::string_view embedded) {
    constexpr std::string_view mark = "@DATA@";
    const std::size_t place = embedded.find(mark);
    if (place == std::string_view::npos) fail<InternalError>("the page has no place for its data");
    std::string page(embedded.substr(0, place));
    // In texts of JSON alone: nothing in the data can end the element that it stands in.
    for (const char c : data.dump(-1, ' ', false, Json::error_handler_t::replace)) {
        if (c == '<') {
            page += "\\u003c";
        } else {
            page += c;
        }
    }
    page += embedded.substr(place + mark.size());
    return page;
}

}  // namespace tilemesh::page
