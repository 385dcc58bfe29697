import SalesModel

extension Roster {
    /// Begins the next group of decisions: whose turn it is is looked up again, as if the turns taken had been written and read.
    ///
    /// Pools of one name share their turns once they are written, also those that took them apart within a group.
    public mutating func resume(after turns: [PoolCursor]) {
        for turn in turns { cursors[turn.pool] = turn }
        let names = Set(turns.map(\.pool))
        for (key, pool) in pools where names.contains(pool.name) { pools[key]?.turn = nil }
    }

    /// Changes how many leads of a seller wait for a touch; nothing happens for a seller who is not here.
    public mutating func changePending(of seller: SellerID, by change: Int) {
        guard let index = index(of: seller) else { return }
        changePending(ofSellerAt: index, by: change)
    }

    public func seller(_ id: SellerID) -> Seller? { index(of: id).map { sellers[$0] } }

    /// Sellers are in the order of their ids.
    private func index(of seller: SellerID) -> Int? {
        var (low, high) = (0, sellers.count)
        while low < high {
            let middle = (low + high) / 2
            if sellers[middle].id < seller { low = middle + 1 } else { high = middle }
        }
        return low < sellers.count && sellers[low].id == seller ? low : nil
    }
}
