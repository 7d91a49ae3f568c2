internal import PerigeeCore

/// Whether a packet can ever be stored: the gateway's look at octets from outside.
public enum PacketCheck {
    /// What is wrong with `packet` for good, or nil. An unknown firmware or declaration is nothing wrong.
    public static func fault(_ packet: ArraySlice<UInt8>) -> (code: RejectCode, field: String)? {
        do throws(FormatError) {
            _ = try Packet(parsing: packet)
            return nil
        } catch {
            return switch error {
            case .checksum(let field, _, _): (.checksum, cut(field))
            case .outOfRange("packet size", _, _): (.size, "packet size")
            case .truncated(let field, _, _), .outOfRange(let field, _, _), .unknown(let field, _, _),
                .mismatch(let field, _, _):
                (.malformed, cut(field))
            }
        }
    }

    private static func cut(_ field: String) -> String {
        String(decoding: field.utf8.prefix(LinkLimit.text), as: UTF8.self)
    }
}
