import CLinear

/// Logistic regression with a penalty on the squares of its coefficients, fitted by liblinear's trust region Newton method.
///
/// It minimises ½‖w‖² + C·Σ log(1 + exp(−y·w·x)): the most likely coefficients where each is normal around nought with variance C. A column
/// of value s has a coefficient of variance C·s² in the units of the answer, which is how groups are pooled partially: an indicator with a
/// small s may move the answer a little, and only as far as the group's own cases carry it.
enum RidgeLogistic {
    /// A row: its columns that are not nought, in rising order.
    struct Row {
        var columns: [(column: Int, value: Double)]
        var isHit: Bool
    }

    private static let silence: Void = clinear_be_silent()

    /// - Returns: a coefficient a column; nil where the rows are not of both kinds, so that there is nothing to tell apart, or where the
    ///   numbers are not finite.
    static func fit(_ rows: [Row], columns: Int, variance: Double) -> [Double]? {
        _ = silence
        guard rows.contains(where: \.isHit), rows.contains(where: { !$0.isHit }), columns > 0 else { return nil }
        // One array of nodes; each row ends with a node of index -1, as the library wants it. Its columns count from 1.
        var nodes: [feature_node] = []
        nodes.reserveCapacity(rows.reduce(0) { $0 + $1.columns.count + 1 })
        var starts: [Int] = []
        for row in rows {
            starts.append(nodes.count)
            for (column, value) in row.columns { nodes.append(feature_node(index: Int32(column + 1), value: value)) }
            nodes.append(feature_node(index: -1, value: 0))
        }
        var answers = rows.map { $0.isHit ? 1.0 : -1.0 }
        let coefficients = nodes.withUnsafeMutableBufferPointer { nodes in
            var pointers: [UnsafeMutablePointer<feature_node>?] = starts.map { nodes.baseAddress! + $0 }
            return answers.withUnsafeMutableBufferPointer { answers in
                pointers.withUnsafeMutableBufferPointer { pointers in
                    trained(
                        problem(l: Int32(rows.count), n: Int32(columns), y: answers.baseAddress, x: pointers.baseAddress, bias: -1),
                        columns,
                        variance)
                }
            }
        }
        return coefficients.allSatisfy(\.isFinite) ? coefficients : nil
    }

    private static func trained(_ problem: problem, _ columns: Int, _ variance: Double) -> [Double] {
        var problem = problem
        var settings = parameter()
        settings.solver_type = Int32(L2R_LR)
        settings.eps = 0.001
        settings.C = variance
        settings.p = 0.1
        precondition(check_parameter(&problem, &settings) == nil, "liblinear refused its settings")
        var model = train(&problem, &settings)
        defer { free_and_destroy_model(&model) }
        guard let fitted = model?.pointee else { preconditionFailure("liblinear gave no model") }
        // The library takes the first row's kind for the positive one.
        let sign = fitted.label[0] > 0 ? 1.0 : -1.0
        return (0..<columns).map { sign * fitted.w[$0] }
    }
}
