/// The release that every Perigee binary is of.
public enum Release {
    /// As `--version` prints it.
    public static let version = "0.1.0"
}
