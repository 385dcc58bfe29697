/// First in, first out, in amortised constant time. What is taken out is held no longer.
struct Fifo<Element>: Sequence {
    private var elements: [Element?] = []
    private var head = 0

    var count: Int { elements.count - head }
    var first: Element? { head < elements.count ? elements[head] : nil }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func removeFirst() {
        elements[head] = nil
        head += 1
        if head * 2 >= elements.count { sweep() }
    }

    /// Takes out those that are unwanted, and returns them.
    mutating func removeAll(where isUnwanted: (Element) -> Bool) -> [Element] {
        sweep()
        let all = elements.compactMap(\.self)
        elements = []
        var removed: [Element] = []
        for element in all {
            if isUnwanted(element) { removed.append(element) } else { elements.append(element) }
        }
        return removed
    }

    func makeIterator() -> some IteratorProtocol<Element> { elements[head...].lazy.compactMap(\.self).makeIterator() }

    private mutating func sweep() {
        elements.removeFirst(head)
        head = 0
    }
}
