import Foundation
import SalesModel

/// Who already has the customer that a lead comes from, or may come from.
public struct OwnerClaim: Sendable, Hashable {
    public let seller: SellerID
    /// The customer's number, as it is shown.
    public let customer: String
    /// How likely it is that the lead comes from this customer, in percent; nil where that is settled.
    public let suspicion: Double?

    public init(seller: SellerID, customer: String, suspicion: Double? = nil) {
        self.seller = seller
        self.customer = customer
        self.suspicion = suspicion
    }
}

extension Roster {
    /// The seller whom a claim names, where that one is active and not frozen: whatever the load and the hour, a customer is called by one
    /// seller only (CID-09).
    func holder(of claim: OwnerClaim, at moment: Date) -> Int? {
        guard let index = index(of: claim.seller), sellers[index].status == .active, sellers[index].freeze?.holds(at: moment) != true else {
            return nil
        }
        return index
    }

    /// What the receipt says of a claim that counts, or does not.
    func reason(_ claim: OwnerClaim, counts: Bool) -> Reason {
        let seller = index(of: claim.seller).map { sellers[$0] }
        let name = seller?.externalID ?? claim.seller.description
        var parameters: [String: Reason.Parameter] = ["customer": .text(claim.customer), "seller": .text(name)]
        guard counts else {
            if seller?.status == .active { parameters["why"] = .text(ExclusionCode.frozen.rawValue) }
            return Reason(.ownerUnavailable, parameters)
        }
        guard let suspicion = claim.suspicion else { return Reason(.existingOwner, parameters) }
        parameters["percent"] = .integer(Int(suspicion))
        return Reason(.suspectedOwner, parameters)
    }

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
