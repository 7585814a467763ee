// SPDX-License-Identifier: Apache-2.0
#include "sim/noc/chip_devices.h"

#include <fmt/core.h>

#include <algorithm>

namespace tilemesh::noc {
namespace {

const std::vector<std::string> device_kinds = {"memory", "link"};

DeviceConfig read_device(JsonReader reader, const GridConfig& grid) {
    DeviceConfig device;
    device.name = reader.string("name");
    device.kind = reader.member("kind").as_choice<DeviceConfig::Kind>(device_kinds);
    device.at = read_places(reader.member("at"), grid);
    device.bytes_per_cycle = reader.number("bytes_per_cycle", 0.001, 1e6, 0.0);
    device.latency = reader.integer("latency_cycles", 0, 1'000'000);
    device.outstanding = reader.integer("outstanding", 1, 1'000'000, 0);
    reader.finish();
    return device;
}

}  // namespace

std::string DeviceConfig::kind_word() const { return device_kinds[static_cast<std::size_t>(kind)]; }

std::string DeviceConfig::words() const {
    return fmt::format("{}, a {}", name, kind == Kind::link ? "link off the chip" : "memory");
}

int read_place(const JsonReader& reader, const GridConfig& grid) {
    const std::vector<JsonReader> place = reader.elements();
    if (place.size() != 2) reader.reject("[row, column] of a node");
    const std::uint64_t row = place[0].as_integer(0, static_cast<std::uint64_t>(grid.rows) - 1);
    const std::uint64_t col = place[1].as_integer(0, static_cast<std::uint64_t>(grid.cols) - 1);
    return static_cast<int>(row) * grid.cols + static_cast<int>(col);
}

std::vector<int> read_places(const JsonReader& reader, const GridConfig& grid) {
    std::vector<int> places;
    for (const JsonReader& element : reader.elements()) {
        const int place = read_place(element, grid);
        if (std::find(places.begin(), places.end(), place) != places.end())
            element.reject("a node that is not in the list before");
        places.push_back(place);
    }
    if (places.empty()) reader.reject("at least one [row, column]");
    return places;
}

std::vector<DeviceConfig> read_devices(const JsonReader& list, const GridConfig& grid) {
    std::vector<DeviceConfig> devices;
    for (const JsonReader& element : list.elements()) {
        const DeviceConfig device = read_device(element, grid);
        for (const DeviceConfig& other : devices) {
            if (other.name == device.name)
                element.complain(fmt::format("name: found {}, expected one that no other device has", device.name));
            for (const int place : device.at)
                if (std::find(other.at.begin(), other.at.end(), place) != other.at.end())
                    element.complain(fmt::format("at: row {}, column {} is {} already", place / grid.cols,
                                                 place % grid.cols, other.words()));
        }
        devices.push_back(device);
    }
    return devices;
}

}  // namespace tilemesh::noc
