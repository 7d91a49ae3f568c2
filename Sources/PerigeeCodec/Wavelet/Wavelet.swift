import CPerigeeKernels

/// The strict 9/7 wavelet of all planes. Source: Docs/packet-format.md, section 5.2.
package struct Wavelet: Sendable {
    package let geometry: WaveletGeometry
    let path: StrictPath

    /// A wavelet over planes of this size.
    package init(rows: Int, columns: Int, path: StrictPath = .best) {
        geometry = WaveletGeometry(rows: rows, columns: columns)
        self.path = path
    }

    /// Values to coefficients, in place. Allocates a strip of work space.
    package func forward(_ planes: inout Planes) { run(&planes, perigee_wavelet_forward) }

    /// Coefficients to values, in place. Allocates a strip of work space.
    package func inverse(_ planes: inout Planes) { run(&planes, perigee_wavelet_inverse) }

    private typealias Kernel = (Int32, UnsafeMutablePointer<Float>?, Int, Int, Int, Int32, UnsafeMutablePointer<Float>?)
        -> Void

    private func run(_ planes: inout Planes, _ kernel: Kernel) {
        assert(planes.rows == geometry.rows && planes.columns == geometry.columns)
        let (rows, columns, count) = (planes.rows, planes.columns, planes.planeCount)
        let components = planes.components
        planes.values.withUnsafeMutableBufferPointer { values in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: perigee_wavelet_work(rows, columns)) { work in
                for component in 0..<components {
                    kernel(
                        path.code, values.baseAddress.map { $0 + component * count }, rows, columns, columns,
                        Int32(geometry.levels), work.baseAddress)
                }
            }
        }
    }
}
